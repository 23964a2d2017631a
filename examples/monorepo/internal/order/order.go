// Package order prices an order and names it.
package order

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"example.com/orders/internal/catalog"
	"example.com/orders/internal/money"
)

// Line is one item of an order, and how many of it.
type Line struct {
	Item  string `json:"item"`
	Count int64  `json:"count"`
}

// Order is what a customer wants.
type Order struct {
	Customer string `json:"customer"`
	Lines    []Line `json:"lines"`
}

// Total prices all lines.
func (o Order) Total(prices catalog.Catalog) (money.Amount, error) {
	if len(o.Lines) == 0 {
		return money.Amount{}, errors.New("the order is empty")
	}
	var total money.Amount
	for number, line := range o.Lines {
		sum, err := line.price(prices)
		if err != nil {
			return money.Amount{}, fmt.Errorf("line %d: %w", number+1, err)
		}
		if number == 0 {
			total = sum
		} else if total, err = total.Plus(sum); err != nil {
			return money.Amount{}, err
		}
	}
	return total, nil
}

func (l Line) price(prices catalog.Catalog) (money.Amount, error) {
	if l.Count < 1 {
		return money.Amount{}, fmt.Errorf("%d of %q", l.Count, l.Item)
	}
	price, err := prices.Price(l.Item)
	if err != nil {
		return money.Amount{}, err
	}
	return price.Times(l.Count)
}

// ID names the order by its content, so that sending it twice makes no second one.
func (o Order) ID() string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q\n", o.Customer)
	for _, line := range o.Lines {
		fmt.Fprintf(hash, "%d %q\n", line.Count, line.Item)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
