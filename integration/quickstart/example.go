package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// person is somebody of the example's users.json, which stands for the users of an identity provider.
type person struct {
	Short string            `json:"-"` // the name in users.json
	ID    string            `json:"id"`
	Data  map[string]string `json:"data"` // claims of the person's tokens
}

// people reads users.json, in the order of their names.
func people(app fs.FS) ([]person, error) {
	text, err := fs.ReadFile(app, "users.json")
	if err != nil {
		return nil, err
	}
	byName := map[string]person{}
	if err := json.Unmarshal(text, &byName); err != nil {
		return nil, fmt.Errorf("users.json: %w", err)
	}
	var all []person
	for name, p := range byName {
		p.Short = name
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b person) int { return cmp.Compare(a.Short, b.Short) })
	return all, nil
}

// seed stores the documents of documents/<database>.<collection>.json.
func seed(ctx context.Context, app fs.FS, uri string) error {
	files, err := fs.Glob(app, "documents/*.json")
	if err != nil {
		return err
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	for _, name := range files {
		database, collection, ok := strings.Cut(strings.TrimSuffix(path.Base(name), ".json"), ".")
		if !ok {
			return fmt.Errorf("%s: not documents/<database>.<collection>.json", name)
		}
		text, err := fs.ReadFile(app, name)
		if err != nil {
			return err
		}
		var file struct {
			Documents []bson.D `bson:"documents"`
		}
		wrapped := bytes.Join([][]byte{[]byte(`{"documents": `), text, []byte(`}`)}, nil)
		if err := bson.UnmarshalExtJSON(wrapped, false, &file); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := client.Database(database).Collection(collection).InsertMany(ctx, file.Documents); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
