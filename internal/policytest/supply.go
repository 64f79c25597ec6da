package policytest

import (
	"encoding/json"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// What a case need not write down.
const (
	DefaultService = "mongodb-atlas"
	AppID          = "cases-abcde"

	// The secret that signs the tokens of the test's users, in the supplied auth/providers.json.
	TokenSecretName = "token_key"
	TokenSecret     = "a-key-that-only-the-cases-use-0123456789"

	// The secret that signs the tokens of sessions.
	SessionKeyName = "rolegate_token_key"
	SessionKey     = "another-key-that-only-the-cases-use-0123456789"

	// Where the supplied auth/custom_user_data.json looks for custom data.
	CustomDataDatabase   = "users"
	CustomDataCollection = "custom"
	CustomDataUserField  = "user_id"

	customDataFile = "auth/custom_user_data.json"
)

const rootConfig = `{
  "app_id": "` + AppID + `",
  "name": "cases",
  "config_version": 20210101
}
`

const serviceConfig = `{
  "name": "` + DefaultService + `",
  "type": "mongodb-atlas",
  "config": {"clusterName": "Cluster0", "readPreference": "primary", "wireProtocolEnabled": false}
}
`

const customDataConfig = `{
  "enabled": true,
  "mongo_service_name": "` + DefaultService + `",
  "database_name": "` + CustomDataDatabase + `",
  "collection_name": "` + CustomDataCollection + `",
  "user_id_field": "` + CustomDataUserField + `"
}
`

// providers is an auth/providers.json whose custom-token provider maps each key of any user's data from a
// claim of the same name.
func (c *Case) providers() string {
	type field struct {
		Required  bool   `json:"required"`
		Name      string `json:"name"`
		FieldName string `json:"field_name"`
	}
	type object = map[string]any
	fields := []field{}
	for _, name := range c.dataKeys() {
		fields = append(fields, field{Name: name, FieldName: name})
	}
	text, err := json.MarshalIndent(object{
		"api-key": object{"name": "api-key", "type": "api-key", "disabled": false},
		"custom-token": object{
			"name": "custom-token", "type": "custom-token", "disabled": false,
			"config": object{
				"audience": AppID, "requireAnyAudience": false,
				"signingAlgorithm": "HS256", "useJWKURI": false,
			},
			"secret_config":   object{"signingKeys": []string{TokenSecretName}},
			"metadata_fields": fields,
		},
	}, "", "  ")
	if err != nil {
		return "" // the value above always marshals
	}
	return string(text) + "\n"
}

// dataKeys lists the keys of the data of all normal users, sorted.
func (c *Case) dataKeys() []string {
	var keys []string
	for _, u := range c.Users {
		elements, err := u.Data.Elements()
		if u.Type != "normal" || u.Data == nil || err != nil {
			continue
		}
		for _, e := range elements {
			keys = append(keys, e.Key())
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// CustomData lists the documents that the supplied auth/custom_user_data.json finds.
func (c *Case) CustomData() []bson.Raw {
	var docs []bson.Raw
	if c.HasOwnCustomData() {
		return docs
	}
	for _, u := range c.Users {
		if u.CustomData == nil {
			continue
		}
		doc := bson.D{{Key: "_id", Value: "custom-" + u.Name}, {Key: CustomDataUserField, Value: u.ID}}
		elements, err := u.CustomData.Elements()
		if err != nil {
			continue // users.json was parsed from JSON, its documents are sound
		}
		for _, e := range elements {
			doc = append(doc, bson.E{Key: e.Key(), Value: e.Value()})
		}
		if raw, err := bson.Marshal(doc); err == nil {
			docs = append(docs, raw)
		}
	}
	return docs
}
