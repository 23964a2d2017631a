package money

import (
	"errors"
	"math"
	"testing"
)

func TestSums(t *testing.T) {
	price := Amount{Cents: 1250, Currency: "EUR"}
	three, err := price.Times(3)
	if err != nil || three.String() != "37.50 EUR" {
		t.Fatalf("got %s, %v", three, err)
	}
	if sum, err := three.Plus(price); err != nil || sum.Cents != 5000 {
		t.Fatalf("got %s, %v", sum, err)
	}
}

func TestWhatCannotBeAdded(t *testing.T) {
	if _, err := (Amount{1, "EUR"}).Plus(Amount{1, "USD"}); err == nil {
		t.Error("two currencies were added")
	}
	if _, err := (Amount{math.MaxInt64, "EUR"}).Times(2); !errors.Is(err, ErrOverflow) {
		t.Errorf("got %v", err)
	}
}
