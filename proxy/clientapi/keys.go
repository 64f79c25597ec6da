package clientapi

import (
	"net/http"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
)

func keyDocument(k auth.Key, text string) bson.D {
	doc := bson.D{{Key: "_id", Value: k.ID}}
	if text != "" {
		doc = append(doc, bson.E{Key: "key", Value: text})
	}
	return append(doc, bson.E{Key: "name", Value: k.Name}, bson.E{Key: "disabled", Value: k.Disabled})
}

func createKey(x *exchange) error {
	values, err := x.texts("name")
	if err != nil {
		return err
	}
	key, text, err := x.s.Accounts.CreateKey(x.r.Context(), x.bearer(), values[0])
	if err != nil {
		return err
	}
	return x.answer(http.StatusCreated, keyDocument(key, text))
}

func listKeys(x *exchange) error {
	keys, err := x.s.Accounts.ListKeys(x.r.Context(), x.bearer())
	if err != nil {
		return err
	}
	list := bson.A{}
	for _, k := range keys {
		list = append(list, keyDocument(k, ""))
	}
	return x.answer(http.StatusOK, list)
}

func findKey(x *exchange) error {
	key, err := x.s.Accounts.FindKey(x.r.Context(), x.bearer(), x.vars["key"])
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, keyDocument(key, ""))
}

func deleteKey(x *exchange) error {
	return x.done(x.s.Accounts.DeleteKey(x.r.Context(), x.bearer(), x.vars["key"]))
}

func enableKey(x *exchange) error {
	return x.done(x.s.Accounts.DisableKey(x.r.Context(), x.bearer(), x.vars["key"], false))
}

func disableKey(x *exchange) error {
	return x.done(x.s.Accounts.DisableKey(x.r.Context(), x.bearer(), x.vars["key"], true))
}
