package main

import (
	"strings"
	"testing"

	"example.com/orders/internal/catalog"
	"example.com/orders/internal/order"
)

func TestCheckout(t *testing.T) {
	prices, err := catalog.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	wanted := order.Order{Customer: "jane", Lines: []order.Line{{Item: "tea", Count: 2}}}
	answer, err := checkout{prices}.handle(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(answer.Receipt, "for jane\n2 x tea\nTotal 9.00 EUR\n") {
		t.Errorf("got the receipt %q", answer.Receipt)
	}
	if _, err := (checkout{prices}).handle(t.Context(), order.Order{}); err == nil {
		t.Error("an empty order was accepted")
	}
}
