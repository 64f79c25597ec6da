package clientapi

import (
	"net/http"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/peer"
)

func register(x *exchange) error {
	values, err := x.texts("email", "password")
	if err != nil {
		return err
	}
	if err := x.s.Accounts.Register(x.r.Context(), values[0], values[1], peer.Address(x.r)); err != nil {
		return err
	}
	return x.answer(http.StatusCreated, bson.D{})
}

func confirm(x *exchange) error {
	values, err := x.texts("tokenId", "token")
	if err != nil {
		return err
	}
	return x.done(x.s.Accounts.Confirm(x.r.Context(), values[0], values[1], peer.Address(x.r)))
}

func sendConfirmation(x *exchange) error {
	values, err := x.texts("email")
	if err != nil {
		return err
	}
	return x.done(x.s.Accounts.SendConfirmation(values[0], peer.Address(x.r)))
}

func callConfirmation(x *exchange) error {
	values, err := x.texts("email")
	if err != nil {
		return err
	}
	return x.done(x.s.Accounts.CallConfirmation(x.r.Context(), values[0], peer.Address(x.r)))
}

func reset(x *exchange) error {
	values, err := x.texts("tokenId", "token", "password")
	if err != nil {
		return err
	}
	return x.done(x.s.Accounts.ResetPassword(x.r.Context(), values[0], values[1], values[2], peer.Address(x.r)))
}

func sendReset(x *exchange) error {
	values, err := x.texts("email")
	if err != nil {
		return err
	}
	return x.done(x.s.Accounts.SendReset(values[0], peer.Address(x.r)))
}

// callReset hands what a client adds to the function of the app.
func callReset(x *exchange) error {
	doc, err := x.body()
	if err != nil {
		return err
	}
	values, err := texts(doc, "email", "password")
	if err != nil {
		return err
	}
	var args []bson.RawValue
	if v, given := bsonval.Lookup(doc, "arguments"); given {
		list, ok := bsonval.Array(v)
		if !ok {
			return &failure{status: http.StatusBadRequest, code: codeParameter, text: "arguments must be an array", reason: "invalid"}
		}
		for it := bsonval.NewIter(list); it.Next(); {
			args = append(args, it.Value())
		}
	}
	return x.done(x.s.Accounts.CallReset(x.r.Context(), values[0], values[1], args, peer.Address(x.r)))
}
