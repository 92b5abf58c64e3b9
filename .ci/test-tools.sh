# Functions of .ci/run that provide the programs which some extended tests need: Chromium, Node.js packages and a
# PostgreSQL server. Each one is optional. A function adds the environment variable by which the tests find a program to
# TEST_VARIABLES, or a line to SKIPPED_CHECKS; it does not fail. The variables are for the tests only: the server refuses
# to work with a variable that looks like a setting and is none.

TEST_VARIABLES=()
SKIPPED_CHECKS=()
POSTGRES_PID=""
POSTGRES_FOLDER=""

skip_checks() { # CHECKS REASON
  SKIPPED_CHECKS+=("$1: $2")
}

report_skipped_checks() {
  local line
  if ((${#SKIPPED_CHECKS[@]})); then
    echo "Skipped checks:"
    for line in "${SKIPPED_CHECKS[@]}"; do echo "  $line"; done
  fi
}

find_postgres_programs() { # prints the folder of the newest installed version
  { ls -d /usr/lib/postgresql/*/bin 2> /dev/null || true; } | sort -V | tail -n 1
}

# The Debian packages that are missing, one by one, so that one that cannot be installed does not prevent the next; then
# tests/node/package.json into .node/ (one of its packages is Node.js itself). What could not be installed is noticed by
# find_test_programs, so this may run in the background.
install_test_programs() {
  local wanted=() package
  command -v chromium > /dev/null || wanted+=(chromium)
  [ -n "$(find_postgres_programs)" ] || wanted+=(postgresql)
  command -v npm > /dev/null || wanted+=(npm)
  if ((${#wanted[@]})) && command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    # PostgreSQL's package would make and start a server of its own.
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/tavus-mcp-tests.conf
    timeout 120 apt-get update -qq > /dev/null 2>&1 || true
    for package in "${wanted[@]}"; do
      DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=60 "$package" < /dev/null > /dev/null 2>&1 || true
    done
  fi
  mkdir -p .node
  if command -v npm > /dev/null && ! cmp -s tests/node/package.json .node/installed.json; then
    rm -rf .node/node_modules .node/installed.json
    cp tests/node/package.json .node/package.json
    if timeout 240 npm install --prefix .node --no-package-lock --no-audit --no-fund --loglevel=error \
      < /dev/null > .node/install.log 2>&1; then
      cp tests/node/package.json .node/installed.json
    fi
  fi
}

# Sets the variables of what is installed, and names the checks that are skipped for want of the rest.
find_test_programs() {
  local checks="the MCP conformance suite, the Inspector, the TypeScript SDK and the bundle"
  hash -r
  if command -v chromium > /dev/null; then
    TEST_VARIABLES+=("CHROMIUM=$(command -v chromium)")
  else
    skip_checks "the view in a browser" "Chromium is not installed"
  fi
  if ! command -v npm > /dev/null; then
    skip_checks "$checks" "npm is not installed"
  elif ! cmp -s tests/node/package.json .node/installed.json; then
    tail -n 5 .node/install.log
    skip_checks "$checks" "npm could not install tests/node/package.json"
  elif ! .node/node_modules/.bin/node --version > /dev/null 2>&1; then
    skip_checks "$checks" "the package node does not run on this machine"
  else
    TEST_VARIABLES+=("TAVUS_MCP_TEST_NODE_MODULES=$PWD/.node/node_modules")
  fi
  # uv, beside the Python of the tests
  if ! .venv/bin/pip install -q uv > /dev/null 2>&1; then
    skip_checks "installation by uv" "pip could not install uv"
  fi
}

# A server on loopback with a data folder of its own; TAVUS_MCP_TEST_POSTGRES is its URL.
start_postgres() {
  local programs user port password log attempt as_user=(env)
  programs="$(find_postgres_programs)"
  if [ -z "$programs" ]; then
    skip_checks "journals in PostgreSQL" "PostgreSQL is not installed"
    return
  fi
  POSTGRES_FOLDER="$(mktemp -d)"
  log="$POSTGRES_FOLDER/log"
  password="$(python3 -c 'import secrets; print(secrets.token_hex(12))')"
  port="$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')"
  echo "$password" > "$POSTGRES_FOLDER/password"
  if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
    user="$(id -un postgres 2> /dev/null || echo nobody)"
    chown -R "$user" "$POSTGRES_FOLDER"
    as_user=(env -C / setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups)
  fi
  if "${as_user[@]}" "$programs/initdb" -D "$POSTGRES_FOLDER/data" -U tavus --auth=scram-sha-256 \
    --pwfile="$POSTGRES_FOLDER/password" --encoding=UTF8 --no-locale --no-sync > "$log" 2>&1; then
    "${as_user[@]}" "$programs/postgres" -D "$POSTGRES_FOLDER/data" -p "$port" -h 127.0.0.1 \
      -k "$POSTGRES_FOLDER" -F >> "$log" 2>&1 < /dev/null &
    POSTGRES_PID=$!
    for attempt in $(seq 100); do
      if "$programs/pg_isready" -q -h 127.0.0.1 -p "$port"; then
        TEST_VARIABLES+=("TAVUS_MCP_TEST_POSTGRES=postgresql://tavus:$password@127.0.0.1:$port/postgres")
        return
      fi
      kill -0 "$POSTGRES_PID" 2> /dev/null || break
      sleep 0.2
    done
  fi
  tail -n 5 "$log"
  skip_checks "journals in PostgreSQL" "the server did not start"
}

stop_postgres() {
  local attempt
  if [ -n "$POSTGRES_PID" ]; then
    kill -INT "$POSTGRES_PID" 2> /dev/null # ends open connections
    for attempt in $(seq 50); do
      kill -0 "$POSTGRES_PID" 2> /dev/null || break
      sleep 0.2
    done
    kill -QUIT "$POSTGRES_PID" 2> /dev/null
    wait "$POSTGRES_PID"
  fi
  if [ -n "$POSTGRES_FOLDER" ]; then rm -rf "$POSTGRES_FOLDER"; fi
}
