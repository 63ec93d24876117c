// SPDX-License-Identifier: BSD-2-Clause
// The official client: does the calls of a plan (JSON, argv[2]) and prints what came back, byte for byte.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { readFileSync, writeFileSync } from "node:fs";

const plan = JSON.parse(readFileSync(process.argv[1] === "--" ? process.argv[2] : process.argv[1]));
const client = new Client({ name: "mcpfloor-test", version: "1" });
const transport = new StdioClientTransport({
  command: plan.command[0], args: plan.command.slice(1), env: plan.env, cwd: plan.cwd, stderr: "inherit",
});
const chunks = [];
const start = transport.start.bind(transport);
transport.start = async () => {
  await start();
  transport._process.stdout.on("data", (data) => chunks.push(data));
};
await client.connect(transport);
const call = ({ tool, args }) => client.callTool({ name: tool, arguments: args }).catch((error) => String(error));
const results = [];
await client.listTools();
for (const one of plan.calls) results.push(await call(one));
if (plan.pair) {
  const input = transport._process.stdin;
  input.cork(); // both lines leave in one write
  const both = plan.pair.map(call);
  await new Promise((resolve) => setImmediate(resolve));
  input.uncork();
  results.push(...await Promise.all(both));
}
const exited = new Promise((resolve) => transport._process.on("exit", (code, signal) => resolve({ code, signal })));
await client.close();
writeFileSync(plan.out, JSON.stringify({
  bytes: Buffer.concat(chunks).toString("base64"), results, exit: await exited,
}));
