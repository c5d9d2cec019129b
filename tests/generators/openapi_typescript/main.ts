// Uses the types that openapi-typescript makes, with openapi-fetch.
import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

const { RAMPART_URL: baseUrl = "", RAMPART_TOKEN: token, RAMPART_USER: user_id = "" } = process.env;
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });
const check = { user_id, transaction_amount: 42.5, device_fingerprint: "device-1", ip_address: "203.0.113.7" };
const wrong = { ...check, ip_address: "nowhere" };

async function main(): Promise<void> {
  const decision = (await client.POST("/api/v1/fraud-check", { body: check })).data;
  const batch = (await client.POST("/api/v1/fraud-check:batch", { body: { requests: [check, wrong] } })).data;
  const created = await client.POST("/api/v1/users", {
    body: { user_id, display_name: "Ada", email: "ada@example.com" },
  });
  const patched = await client.PATCH("/api/v1/users/{user_id}", {
    params: { path: { user_id } },
    body: { phone: "+15550199" },
  });
  const failed = await client.POST("/api/v1/fraud-check", { body: wrong });
  const problem: components["schemas"]["Problem"] | undefined = failed.error;
  console.log(JSON.stringify({
    outcome: decision?.outcome,
    batch: [batch?.results[0]?.decision?.outcome, batch?.results[1]?.error?.code],
    user: [created.data?.user_id, created.data?.email, !!created.data?.create_time],
    patched: [patched.data?.display_name, patched.data?.phone],
    error: [problem?.status, problem?.reason, problem?.errors?.[0]?.pointer, problem?.errors?.[0]?.message],
  }));
}

main();
