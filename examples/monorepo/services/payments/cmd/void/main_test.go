package main

import "testing"

func TestVoid(t *testing.T) {
	for _, state := range []string{"authorized", "voided"} {
		if answer, err := handle(t.Context(), Payment{"p-1", state}); err != nil || answer.State != "voided" {
			t.Errorf("%s: got %+v, %v", state, answer, err)
		}
	}
	if answer, err := handle(t.Context(), Payment{"p-1", "settled"}); err == nil {
		t.Errorf("settled: got %+v", answer)
	}
}
