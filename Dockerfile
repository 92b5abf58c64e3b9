# The server in a container: docker build -t tavus-mcp . && docker run -i --rm -e TAVUS_API_KEY -v tavus-mcp:/data tavus-mcp
# Not built by the project's checks: they have no container runtime. The same installation, without a container, is tested.
FROM python:3.13-slim

WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY tavus_mcp ./tavus_mcp
RUN pip install --no-cache-dir --disable-pip-version-check . && rm -r /source/tavus_mcp

RUN useradd --create-home --uid 10001 tavus && mkdir /data && chown tavus:tavus /data && chmod 700 /data
USER tavus
WORKDIR /data

# The journal outlives the container only in a volume.
ENV TAVUS_MCP_DATA_DIR=/data
VOLUME /data

ENTRYPOINT ["tavus-mcp"]
