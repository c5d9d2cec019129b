// Uses the client that orval makes with fetch.
import { batchCheckFraud, checkFraud, createUser, updateUser } from "./client";

const { RAMPART_TOKEN: token, RAMPART_USER: user_id = "" } = process.env;
const options = { headers: { authorization: `Bearer ${token}` } };
const check = { user_id, transaction_amount: 42.5, device_fingerprint: "device-1", ip_address: "203.0.113.7" };
const wrong = { ...check, ip_address: "nowhere" };

async function main(): Promise<void> {
  const decision = await checkFraud(check, options);
  const batch = await batchCheckFraud({ requests: [check, wrong] }, options);
  const body = { user_id, display_name: "Ada", email: "ada@example.com" };
  const user = await createUser(body, undefined, options);
  const patched = await updateUser(user_id, { phone: "+15550199" }, undefined, options);
  const failed = await checkFraud(wrong, options);
  if (decision.status !== 200 || batch.status !== 200 || failed.status !== 400) throw new Error("another status");
  if (user.status >= 300 || !("email" in user.data) || patched.status !== 200) throw new Error("another status");
  const problem = failed.data;
  console.log(JSON.stringify({
    outcome: decision.data.outcome,
    batch: [batch.data.results[0]?.decision?.outcome, batch.data.results[1]?.error?.code],
    user: [user.data.user_id, user.data.email, !!user.data.create_time],
    patched: [patched.data.display_name, patched.data.phone],
    error: [problem.status, problem.reason, problem.errors?.[0]?.pointer, problem.errors?.[0]?.message],
  }));
}

main();
