package main

import "testing"

func TestRefund(t *testing.T) {
	answer, err := refund{"EUR"}.handle(t.Context(), Request{ID: "a", Paid: 900, Refunded: 400, Wanted: 500})
	if err != nil || answer.Refund.Cents != 500 || answer.Left.Cents != 0 {
		t.Fatalf("got %+v, %v", answer, err)
	}
}

func TestRefundsThatAreRefused(t *testing.T) {
	for _, request := range []Request{
		{Paid: 900, Wanted: 901},
		{Paid: 900, Wanted: 0},
		{Paid: 900, Refunded: 1000, Wanted: 1},
		{Paid: -1, Wanted: 1},
	} {
		if answer, err := (refund{"EUR"}).handle(t.Context(), request); err == nil {
			t.Errorf("%+v: got %+v", request, answer)
		}
	}
}
