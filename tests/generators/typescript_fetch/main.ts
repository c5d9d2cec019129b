// Uses the client that openapi-generator makes for TypeScript with fetch.
import { Configuration, FraudApi, ProblemFromJSON, ResponseError, UserApi } from "./client";

const { RAMPART_URL: basePath, RAMPART_TOKEN: token, RAMPART_USER: userId = "" } = process.env;
// Of OAuth 2.0 the generator takes the whole header.
const configuration = new Configuration({ basePath, accessToken: `Bearer ${token}` });
const fraud = new FraudApi(configuration);
const users = new UserApi(configuration);
const check = { userId, transactionAmount: 42.5, deviceFingerprint: "device-1", ipAddress: "203.0.113.7" };
const wrong = { ...check, ipAddress: "nowhere" };

async function main(): Promise<void> {
  const decision = await fraud.checkFraud({ checkFraudRequest: check });
  const batch = await fraud.batchCheckFraud({ batchCheckFraudRequest: { requests: [check, wrong] } });
  const user = await users.createUser({ userInput: { userId, displayName: "Ada", email: "ada@example.com" } });
  const patched = await users.updateUser({ userId, updateUserBody: { phone: "+15550199" } });
  const problem = await fraud.checkFraud({ checkFraudRequest: wrong }).then(
    () => undefined,
    async (error: ResponseError) => ProblemFromJSON(await error.response.json()),
  );
  console.log(JSON.stringify({
    outcome: decision.outcome,
    batch: [batch.results[0]?.decision?.outcome, batch.results[1]?.error?.code],
    user: [user.userId, user.email, user.createTime instanceof Date],
    patched: [patched.displayName, patched.phone],
    error: [problem?.status, problem?.reason, problem?.errors?.[0]?.pointer, problem?.errors?.[0]?.message],
  }));
}

main();
