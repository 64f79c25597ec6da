package userfile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/userfile"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func raw(t *testing.T, d bson.D) bson.Raw {
	t.Helper()
	out, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	hash := auth.HashPassword("correct horse")
	text := `
{"_id":"5f0000000000000000000001","type":"normal","creation_date":1600000000,"data":{"email":"Ann@x.org","n":1},
 "identities":[{"id":"5f0000000000000000000002","provider_type":"local-userpass","provider_data":{"email":"Ann@x.org"}},{"id":"s|1","provider_type":"custom-token"}]}
{"_id":{"$oid":"5f0000000000000000000003"},"disabled":true,"password_hash":"` + hash + `","creation_date":{"$date":"2020-09-13T12:26:40Z"},"data":{"email":"b@x.org"},"identities":[{"id":"i","provider_type":"local-userpass"}]}

{"localId":"Fb1","email":"C@x.org","displayName":"C","createdAt":"1600000000000","passwordHash":"x","salt":"y","providerUserInfo":[{"providerId":"google.com","rawId":"g1"},{"providerId":"phone","rawId":"1"}]}
`
	text = strings.Replace(text, "\n \"identities\"", "\"identities\"", 1)
	got, err := userfile.Read(strings.NewReader(text), "app", now)
	if err != nil {
		t.Fatal(err)
	}
	created := time.Unix(1600000000, 0).UTC()
	want := []auth.User{
		{
			ID: "5f0000000000000000000001", App: "app", Created: created, Data: raw(t, bson.D{{Key: "email", Value: "Ann@x.org"}, {Key: "n", Value: int32(1)}}),
			Identities: []auth.Identity{
				{ID: "5f0000000000000000000002", Provider: "local-userpass", Login: "ann@x.org"}, {ID: "s|1", Provider: "custom-token", Login: "s|1"},
			},
		},
		{
			ID: "5f0000000000000000000003", App: "app", Created: created, Disabled: true, Password: hash, Data: raw(t, bson.D{{Key: "email", Value: "b@x.org"}}),
			Identities: []auth.Identity{{ID: "i", Provider: "local-userpass", Login: "b@x.org"}},
		},
		{
			ID: "Fb1", App: "app", Created: created, Data: raw(t, bson.D{{Key: "email", Value: "C@x.org"}, {Key: "name", Value: "C"}}),
			Identities: []auth.Identity{{Provider: "local-userpass", Login: "c@x.org"}, {ID: "g1", Provider: "oauth2-google", Login: "g1"}},
		},
	}
	if len(got) == 3 && len(got[2].Identities) == 2 {
		want[2].Identities[0].ID = got[2].Identities[0].ID // made for the import
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`{`,
		`[]`,
		`{"data":{}}`,
		`{"_id":"` + strings.Repeat("x", 256) + `"}`,
		`{"_id":"5F0000000000000000000001"}`,
		`{"_id":"AAAAAAAA-0000-4000-8000-000000000000"}`,
		`{"_id":"a","type":"server"}`,
		`{"_id":"a","data":[]}`,
		`{"_id":"a","identities":[1]}`,
		`{"_id":"a","identities":[{"id":"x"}]}`,
		`{"_id":"a","identities":[{"provider_type":"custom-token"}]}`,
		`{"_id":"a","identities":[{"id":"x","provider_type":"local-userpass"}]}`,
		`{"_id":"a","password_hash":"$2a$10$abcdefghijklmnopqrstuv"}`,
	} {
		users, err := userfile.Read(strings.NewReader("{\"_id\":\"good\"}\n"+line), "app", now)
		if err == nil || !strings.Contains(err.Error(), "line 2: ") {
			t.Errorf("%s: %v, %v", line, users, err)
		}
	}
}
