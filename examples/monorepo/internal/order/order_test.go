package order

import (
	"testing"

	"example.com/orders/internal/catalog"
)

func TestTotal(t *testing.T) {
	prices, err := catalog.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	order := Order{Customer: "jane", Lines: []Line{{"tea", 2}, {"cup", 1}}}
	if total, err := order.Total(prices); err != nil || total.String() != "21.50 EUR" {
		t.Fatalf("got %s, %v", total, err)
	}
	for name, lines := range map[string][]Line{"none": nil, "unknown": {{"moon", 1}}, "negative": {{"tea", -1}}} {
		if total, err := (Order{Lines: lines}).Total(prices); err == nil {
			t.Errorf("%s: got %s", name, total)
		}
	}
}

func TestID(t *testing.T) {
	one := Order{Customer: "jane", Lines: []Line{{"tea", 2}}}
	if one.ID() != (Order{Customer: "jane", Lines: []Line{{"tea", 2}}}).ID() {
		t.Error("the same order has two names")
	}
	if one.ID() == (Order{Customer: "jane", Lines: []Line{{"tea", 3}}}).ID() {
		t.Error("two orders have one name")
	}
}
