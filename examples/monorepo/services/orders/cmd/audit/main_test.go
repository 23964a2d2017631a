package main

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestSecretsAreMasked(t *testing.T) {
	trail, err := load("../../../../layers/tools/lib/audit/fields.json")
	if err != nil {
		t.Fatal(err)
	}
	message := events.SQSMessage{Body: `{"id":"a","card":"4111111111111111","email":"jane@example.com"}`}
	answer, err := trail.handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{message}})
	if err != nil || answer.Written != 1 {
		t.Fatalf("got %+v, %v", answer, err)
	}
	for name, want := range map[string]any{"id": "a", "card": "***", "email": "***"} {
		if answer.Last[name] != want {
			t.Errorf("%s: got %v", name, answer.Last[name])
		}
	}
}

func TestAMessageThatIsNoObjectIsNamed(t *testing.T) {
	message := events.SQSMessage{MessageId: "m-1", Body: "tea"}
	if _, err := (trail{}).handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{message}}); err == nil {
		t.Error("it was accepted")
	}
}
