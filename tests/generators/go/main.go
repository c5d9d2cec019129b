// Uses the client that oapi-codegen makes.
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"

	"rampart-generators/api"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	user, address, nowhere := os.Getenv("RAMPART_USER"), "203.0.113.7", "nowhere"
	device, name, mail, phone := "device-1", "Ada", "ada@example.com", "+15550199"
	authorise := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("RAMPART_TOKEN"))
		return nil
	}
	client := must(api.NewClientWithResponses(os.Getenv("RAMPART_URL"), api.WithRequestEditorFn(authorise)))
	check := api.CheckFraudRequest{UserId: user, TransactionAmount: 42.5, DeviceFingerprint: &device, IpAddress: &address}
	wrong := check
	wrong.IpAddress = &nowhere
	ctx := context.Background()

	decision := must(client.CheckFraudWithResponse(ctx, nil, check)).JSON200
	requests := []api.CheckFraudRequest{check, wrong}
	batch := must(client.BatchCheckFraudWithResponse(ctx, nil, api.BatchCheckFraudRequest{Requests: requests})).JSON200
	created := must(client.CreateUserWithResponse(ctx, nil, api.UserInput{UserId: user, DisplayName: &name, Email: &mail}))
	var made api.User
	must(0, json.Unmarshal(created.Body, &made))
	patched := must(client.UpdateUserWithResponse(ctx, user, nil, api.UpdateUserBody{Phone: &phone})).JSON200
	problem := must(client.CheckFraudWithResponse(ctx, nil, wrong)).ApplicationproblemJSON400

	first := (*problem.Errors)[0]
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]any{
		"outcome": decision.Outcome,
		"batch":   []any{batch.Results[0].Decision.Outcome, batch.Results[1].Error.Code},
		"user":    []any{made.UserId, made.Email, made.CreateTime != nil},
		"patched": []any{patched.DisplayName, patched.Phone},
		"error":   []any{problem.Status, problem.Reason, *first.Pointer, first.Message},
	}))
}
