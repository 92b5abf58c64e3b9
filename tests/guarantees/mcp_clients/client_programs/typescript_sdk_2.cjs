// Use the server by the TypeScript SDK 2.x; prints what it saw as JSON.
// Arguments: the protocol era (legacy or auto), the fields of a persona to create, and the command of the server.
const { Client } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");

async function main(era, fields, command, ...args) {
  const updated = [];
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: era } });
  const arrived = new Promise((resolve) => {
    client.setNotificationHandler("notifications/resources/updated", (notification) => {
      updated.push(notification.params.uri);
      resolve();
    });
  });
  await client.connect(new StdioClientTransport({ command, args, env: process.env }));
  const protocol = client.getNegotiatedProtocolVersion();
  const { tools } = await client.listTools();
  const created = await client.callTool({ name: "create_persona", arguments: JSON.parse(fields) });
  const personaId = created.structuredContent.persona_id;
  const uri = `tavus://personas/${personaId}`;
  const read = await client.callTool({ name: "get_persona", arguments: { persona_id: personaId } });
  const refused = await client.callTool({ name: "get_persona", arguments: { persona_id: "p000000000000" } });
  const stream = era === "auto" ? await client.listen({ resourceSubscriptions: [uri] }) : null;
  if (stream === null) await client.subscribeResource({ uri });
  await client.callTool({ name: "update_persona", arguments: { persona_id: personaId, greeting: "Hello" } });
  await arrived;
  await stream?.close();
  await client.close();
  console.log(
    JSON.stringify({
      protocol,
      tools: tools.map((tool) => tool.name),
      read: read.structuredContent,
      refused: refused.isError,
      updated,
    }),
  );
}

main(...process.argv.slice(2));
