// Use the server by the TypeScript SDK 1.x; prints what it saw as JSON.
// Arguments: the protocol era (unused), the fields of a persona to create, and the command of the server.
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { ResourceUpdatedNotificationSchema } = require("@modelcontextprotocol/sdk/types.js");

async function main(fields, command, ...args) {
  const updated = [];
  const client = new Client({ name: "test", version: "1" });
  const arrived = new Promise((resolve) => {
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, (notification) => {
      updated.push(notification.params.uri);
      resolve();
    });
  });
  const transport = new StdioClientTransport({ command, args, env: process.env });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const created = await client.callTool({ name: "create_persona", arguments: JSON.parse(fields) });
  const personaId = created.structuredContent.persona_id;
  const uri = `tavus://personas/${personaId}`;
  const read = await client.callTool({ name: "get_persona", arguments: { persona_id: personaId } });
  const refused = await client.callTool({ name: "get_persona", arguments: { persona_id: "p000000000000" } });
  await client.subscribeResource({ uri });
  await client.callTool({ name: "update_persona", arguments: { persona_id: personaId, greeting: "Hello" } });
  await arrived;
  await client.close();
  console.log(
    JSON.stringify({
      protocol: null, // this SDK does not tell
      tools: tools.map((tool) => tool.name),
      read: read.structuredContent,
      refused: refused.isError,
      updated,
    }),
  );
}

main(...process.argv.slice(3));
