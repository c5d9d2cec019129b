// Uses the client that openapi-generator makes for Java with its own HTTP client.
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.FraudApi;
import org.openapitools.client.api.UserApi;
import org.openapitools.client.model.BatchCheckFraudReply;
import org.openapitools.client.model.BatchCheckFraudRequest;
import org.openapitools.client.model.CheckFraudRequest;
import org.openapitools.client.model.Decision;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.UpdateUserBody;
import org.openapitools.client.model.User;
import org.openapitools.client.model.UserInput;

public class Main {
  static final String USER = System.getenv("RAMPART_USER");

  static CheckFraudRequest check(String address) {
    return new CheckFraudRequest()
        .userId(USER).transactionAmount(42.5).deviceFingerprint("device-1").ipAddress(address);
  }

  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(System.getenv("RAMPART_URL"));
    client.setRequestInterceptor(each -> each.header("Authorization", "Bearer " + System.getenv("RAMPART_TOKEN")));
    FraudApi fraud = new FraudApi(client);
    UserApi users = new UserApi(client);
    Decision decision = fraud.checkFraud(check("203.0.113.7"), null);
    BatchCheckFraudReply batch = fraud.batchCheckFraud(
        new BatchCheckFraudRequest().requests(List.of(check("203.0.113.7"), check("nowhere"))), null);
    UserInput input = new UserInput().userId(USER).displayName("Ada").email("ada@example.com");
    User user = users.createUser(input, null, null);
    User patched = users.updateUser(USER, new UpdateUserBody().phone("+15550199"), null, null, null, null, null, null, null);
    Problem problem;
    try {
      fraud.checkFraud(check("nowhere"), null);
      throw new IllegalStateException("the wrong check was taken");
    } catch (ApiException error) {
      problem = client.getObjectMapper().readValue(error.getResponseBody(), Problem.class);
    }
    System.out.println(new ObjectMapper().writeValueAsString(Map.of(
        "outcome", decision.getOutcome(),
        "batch", List.of(batch.getResults().get(0).getDecision().getOutcome(),
            batch.getResults().get(1).getError().getCode()),
        "user", List.of(user.getUserId(), user.getEmail(), user.getCreateTime() != null),
        "patched", List.of(patched.getDisplayName(), patched.getPhone()),
        "error", List.of(problem.getStatus(), problem.getReason(), problem.getErrors().get(0).getPointer(),
            problem.getErrors().get(0).getMessage()))));
  }
}
