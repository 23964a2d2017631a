package main

import (
	"encoding/json"
	"testing"
)

func TestGreet(t *testing.T) {
	var event Event
	if err := json.Unmarshal([]byte(`{"name":"Jane"}`), &event); err != nil {
		t.Fatal(err)
	}
	answer, err := greet(t.Context(), event)
	if err != nil || answer != "Hello Jane!" {
		t.Fatalf("got %q, %v", answer, err)
	}
}

func TestGreetNeedsAName(t *testing.T) {
	if answer, err := greet(t.Context(), Event{}); err == nil {
		t.Fatalf("got %q, want an error", answer)
	}
}
