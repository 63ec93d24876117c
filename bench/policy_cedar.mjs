// SPDX-License-Identifier: BSD-2-Clause
//
// policy_cedar.mjs DIR: the questions of policy_cost, asked of Cedar's WebAssembly build (installed in DIR by bench/run).
// A directory is a `like` on the path, an address an equality; the policies are parsed once, before the first question.
import { createRequire } from "node:module";

const cedar = createRequire(process.argv[2] + "/x.js")("@cedar-policy/cedar-wasm/nodejs");
const ROUNDS = 21;
const nanoseconds = () => Number(process.hrtime.bigint());

function rule(number) {
  const head = effect => `${effect}(principal, action, resource) when {`;
  const part = n => `/srv/tenant${n % 97}/app${Math.floor(n / 97) % 31}/data/part${n}`;
  if (number % 10 < 6) return `${head("permit")} context.path like "${part(number)}/*" };`;
  if (number % 10 === 6) return `${head("forbid")} context.path like "${part(number - 1)}/keys/*" };`;
  return `${head("permit")} context.path == "10.${number >> 16 & 255}.${number >> 8 & 255}.${number & 255}:443" };`;
}

function question(name, number) {
  const n = number - number % 10;
  const path = `/srv/tenant${n % 97}/app${Math.floor(n / 97) % 31}/data/part${n}/docs/file`;
  return { principal: { type: "Call", id: "t" }, action: { type: "Action", id: "read" }, resource: { type: "File", id: "x" },
           context: { path }, preparsedPolicySetId: name, entities: [] };
}

console.log(`\n### The same of Cedar ${cedar.getCedarVersion?.() ?? ""}\n`);
console.log(`Its WebAssembly build under node ${process.version}, policies parsed before, ${ROUNDS} rounds; a language of wider reach,`);
console.log("which looks at each policy; the passage into WebAssembly and its JSON is in the figure.\n");
console.log("| lines | least | median | most |\n|---|---|---|---|");
for (const rules of [10, 100, 1000]) {
  const name = `p${rules}`;
  const text = Array.from({ length: rules }, (_, i) => rule(i)).join("\n");
  const parsed = cedar.preparsePolicySet(name, { staticPolicies: text });
  if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));
  const asked = Math.max(5, Math.floor(20000 / rules));
  const values = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = nanoseconds();
    for (let i = 0; i < asked; i++) {
      const answer = cedar.statefulIsAuthorized(question(name, (i * 7919) % rules));
      if (answer.type !== "success" || answer.response.decision !== "allow") throw new Error(JSON.stringify(answer));
    }
    if (round) values.push((nanoseconds() - start) / asked); // the first one warms up
  }
  values.sort((a, b) => a - b);
  console.log(`| ${rules} | ${[0, ROUNDS >> 1, ROUNDS - 1].map(i => `${(values[i] / 1000).toFixed(1)} µs`).join(" | ")} |`);
}
