// Package money holds amounts exactly: a whole number of a currency's smallest unit.
package money

import (
	"errors"
	"fmt"
	"math"
)

// Amount is a sum of money in one currency. The zero value is nothing in no currency.
type Amount struct {
	Cents    int64  `json:"cents"`
	Currency string `json:"currency"`
}

// ErrOverflow says that a sum is larger than an Amount can hold.
var ErrOverflow = errors.New("the sum is too large")

// Times returns the amount n times.
func (a Amount) Times(n int64) (Amount, error) {
	if n < 0 || a.Cents < 0 || (n > 0 && a.Cents > math.MaxInt64/n) {
		return Amount{}, ErrOverflow
	}
	return Amount{Cents: a.Cents * n, Currency: a.Currency}, nil
}

// Plus returns the sum of two amounts of the same currency.
func (a Amount) Plus(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%s cannot be added to %s", b.Currency, a.Currency)
	}
	if b.Cents > 0 && a.Cents > math.MaxInt64-b.Cents {
		return Amount{}, ErrOverflow
	}
	return Amount{Cents: a.Cents + b.Cents, Currency: a.Currency}, nil
}

// String writes the amount for people: "12.50 EUR".
func (a Amount) String() string {
	return fmt.Sprintf("%d.%02d %s", a.Cents/100, a.Cents%100, a.Currency)
}
