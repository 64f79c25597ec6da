package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/rules"
)

func hsToken() *auth.Token { return &auth.Token{Algorithm: "HS256", Keys: []string{secret}} }

func TestTokens(t *testing.T) {
	seconds := func(d time.Duration) string { return fmt.Sprint(at.Add(d).Unix()) }
	parts := strings.Split(good(), ".")
	for _, c := range []struct {
		name  string
		token string
		want  error // nil accepts the token
	}{
		{"good", good(), nil},
		{"more claims", good("custom_data", `{"admin":true}`, "nbf", seconds(0)), nil},
		{"audiences", good("aud", `["other","`+appID+`"]`), nil},
		{"longest subject", good("sub", `"`+strings.Repeat("a", 255)+`"`), nil},
		{"members that bring keys", signHS(`{"alg":"HS256","jku":"http://x","jwk":{"kty":"oct"},"x5u":"http://x","x5c":["x"],"kid":"a"}`, claims(), secret), nil},
		{"expired within the leeway", good("exp", seconds(-59*time.Second)), nil},
		{"not yet valid within the leeway", good("nbf", seconds(59*time.Second)), nil},
		{"issued in the future within the leeway", good("iat", seconds(59*time.Second)), nil},

		{"expired", good("exp", seconds(-61*time.Second)), auth.ErrExpired},
		{"expired and for somebody else", good("exp", seconds(-time.Hour), "aud", `"other"`), auth.ErrFailed},
		{"expired and wrongly signed", signHS(hs256, claims("exp", seconds(-time.Hour)), secret+"x"), auth.ErrFailed},
		{"expired and not yet valid", good("exp", seconds(-time.Hour), "nbf", seconds(time.Hour)), auth.ErrFailed},
		{"never expires", good("exp", ``), auth.ErrFailed},
		{"expires at no number", good("exp", `"`+seconds(time.Hour)+`"`), auth.ErrFailed},
		{"expires at null", good("exp", `null`), auth.ErrFailed},
		{"expires at zero", good("exp", `0`), auth.ErrFailed},
		{"expires after all time", good("exp", `1e300`), auth.ErrFailed},
		{"expires out of range", good("exp", `1e999`), auth.ErrFailed},
		{"expires before 1970", good("exp", `-1`), auth.ErrFailed},
		{"not yet valid", good("nbf", seconds(61*time.Second)), auth.ErrFailed},
		{"valid from a string", good("nbf", `"0"`), auth.ErrFailed},
		{"issued in the future", good("iat", seconds(61*time.Second)), auth.ErrFailed},
		{"issued at an array", good("iat", `[1]`), auth.ErrFailed},

		{"no audience", good("aud", ``), auth.ErrFailed},
		{"part of the audience", good("aud", `"`+appID[:3]+`"`), auth.ErrFailed},
		{"audience that contains ours", good("aud", `"x `+appID+`"`), auth.ErrFailed},
		{"audience in other case", good("aud", `"`+strings.ToUpper(appID)+`"`), auth.ErrFailed},
		{"audience that is a number", good("aud", `[1]`), auth.ErrFailed},
		{"audience that is an object", good("aud", `{"`+appID+`":true}`), auth.ErrFailed},
		{"audience of audiences", good("aud", `[["`+appID+`"]]`), auth.ErrFailed},
		{"issuer that is a number", good("iss", `1`), auth.ErrFailed},

		{"no subject", good("sub", ``), auth.ErrFailed},
		{"empty subject", good("sub", `""`), auth.ErrFailed},
		{"subject that is a number", good("sub", `1`), auth.ErrFailed},
		{"subject that is an object", good("sub", `{"$gt":""}`), auth.ErrFailed},
		{"long subject", good("sub", `"`+strings.Repeat("a", 256)+`"`), auth.ErrFailed},
		{"capital subject", good("sub", ``, "SUB", `"ann"`), auth.ErrFailed},

		{"another key", signHS(hs256, claims(), secret+"x"), auth.ErrFailed},
		{"no signature", parts[0] + "." + parts[1] + ".", auth.ErrFailed},
		{"two parts", parts[0] + "." + parts[1], auth.ErrFailed},
		{"four parts", good() + ".x", auth.ErrFailed},
		{"five parts", "a.b.c.d.e", auth.ErrFailed},
		{"nothing", "", auth.ErrFailed},
		{"dots", "..", auth.ErrFailed},
		{"padding", signHS(hs256+" ", claims(), secret) + "=", auth.ErrFailed},
		{"line break", parts[0] + "." + parts[1] + ".\n" + parts[2], auth.ErrFailed},
		{"standard base64", parts[0] + "." + parts[1] + "." + "+/" + parts[2][2:], auth.ErrFailed},
		{"bits after the end", parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-1] + "_", auth.ErrFailed},
		{"space", " " + good(), auth.ErrFailed},

		{"none", signHS(`{"alg":"none"}`, claims(), secret), auth.ErrFailed},
		{"none, unsigned", encode(`{"alg":"none"}`) + "." + parts[1] + ".", auth.ErrFailed},
		{"None", signHS(`{"alg":"None"}`, claims(), secret), auth.ErrFailed},
		{"another algorithm of the family", signHS(`{"alg":"HS512"}`, claims(), secret), auth.ErrFailed},
		{"another family", signHS(`{"alg":"RS256"}`, claims(), secret), auth.ErrFailed},
		{"lower case", signHS(`{"alg":"hs256"}`, claims(), secret), auth.ErrFailed},
		{"no algorithm", signHS(`{}`, claims(), secret), auth.ErrFailed},
		{"algorithms", signHS(`{"alg":["HS256"]}`, claims(), secret), auth.ErrFailed},
		{"algorithm twice", signHS(`{"alg":"HS256","alg":"HS256"}`, claims(), secret), auth.ErrFailed},
		{"algorithm in other case too", signHS(`{"ALG":"none","alg":"HS256"}`, claims(), secret), nil},
		{"crit", signHS(`{"alg":"HS256","crit":["x"],"x":1}`, claims(), secret), auth.ErrFailed},
		{"empty crit", signHS(`{"alg":"HS256","crit":[]}`, claims(), secret), auth.ErrFailed},
		{"null crit", signHS(`{"alg":"HS256","crit":null}`, claims(), secret), auth.ErrFailed},
		{"b64", signHS(`{"alg":"HS256","b64":false}`, claims(), secret), auth.ErrFailed},
		{"key id that is a number", signHS(`{"alg":"HS256","kid":1}`, claims(), secret), auth.ErrFailed},
		{"key id that is a path", signHS(`{"alg":"HS256","kid":"../../dev/null"}`, claims(), ""), auth.ErrFailed},

		{"subject twice", good("x", `1,"sub":"bob"`), auth.ErrFailed},
		{"nested name twice", good("x", `{"a":1,"a":2}`), auth.ErrFailed},
		{"escaped name twice", good("x", `1,"s\u0075b":"bob"`), auth.ErrFailed},
		{"NUL in a name", good("x", `{"a\u0000b":1}`), auth.ErrFailed},
		{"header twice", signHS(hs256+hs256, claims(), secret), auth.ErrFailed},
		{"claims twice", signHS(hs256, claims()+claims(), secret), auth.ErrFailed},
		{"claims in an array", signHS(hs256, "["+claims()+"]", secret), auth.ErrFailed},
		{"null claims", signHS(hs256, "null", secret), auth.ErrFailed},
		{"no claims", signHS(hs256, "", secret), auth.ErrFailed},
		{"trailing comma", signHS(hs256, strings.TrimSuffix(claims(), "}")+",}", secret), auth.ErrFailed},
		{"comment", signHS(hs256, claims()+"//", secret), auth.ErrFailed},
		{"byte order mark", signHS(hs256, "\ufeff"+claims(), secret), auth.ErrFailed},
		{"invalid UTF-8", good("x", "\"\xff\""), auth.ErrFailed},
		{"deep", good("x", strings.Repeat("[", 101)+strings.Repeat("]", 101)), auth.ErrFailed},
		{"large", good("x", `"`+strings.Repeat("a", 16<<10)+`"`), auth.ErrFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := mustNew(t, auth.Config{Token: hsToken()})
			for _, kind := range []auth.Kind{auth.Bearer, auth.JWT} {
				u, err := a.Authenticate(t.Context(), auth.Credentials{Kind: kind, Secret: c.token})
				if !errors.Is(err, c.want) || (err == nil) != (u != nil) {
					t.Errorf("Authenticate = %v, %v, want %v", u, err, c.want)
				}
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows the secret: %v", err)
				}
			}
		})
	}
}

func TestAudiencesAndIssuer(t *testing.T) {
	for _, c := range []struct {
		name  string
		token auth.Token
		aud   string
		want  error
	}{
		{"all of them", auth.Token{Audiences: []string{"a", "b"}}, `["b","c","a"]`, nil},
		{"not all", auth.Token{Audiences: []string{"a", "b"}}, `["a"]`, auth.ErrFailed},
		{"any", auth.Token{Audiences: []string{"a", "b"}, AnyAudience: true}, `"b"`, nil},
		{"none of any", auth.Token{Audiences: []string{"a", "b"}, AnyAudience: true}, `"c"`, auth.ErrFailed},
		{"the app id does not replace them", auth.Token{Audiences: []string{"a"}}, `"` + appID + `"`, auth.ErrFailed},
		{"any without a list is the app id", auth.Token{AnyAudience: true}, `"` + appID + `"`, nil},
		{"issuer", auth.Token{Issuer: "https://i"}, `"` + appID + `"`, nil},
		{"another issuer", auth.Token{Issuer: "https://j"}, `"` + appID + `"`, auth.ErrFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.token.Algorithm, c.token.Keys = "HS256", []string{secret}
			a := mustNew(t, auth.Config{Token: &c.token})
			if _, err := bearer(t.Context(), a, good("aud", c.aud, "iss", `"https://i"`)); !errors.Is(err, c.want) {
				t.Errorf("Authenticate = %v, want %v", err, c.want)
			}
		})
	}
	a := mustNew(t, auth.Config{Token: &auth.Token{Algorithm: "HS256", Keys: []string{secret}, Issuer: "i"}})
	if _, err := bearer(t.Context(), a, good()); !errors.Is(err, auth.ErrFailed) {
		t.Errorf("a token without issuer: %v", err)
	}
}

func TestKeyRotationByHand(t *testing.T) {
	a := mustNew(t, auth.Config{Token: &auth.Token{Algorithm: "HS256", Keys: []string{strings.Repeat("x", 32), secret}}})
	if id, err := bearer(t.Context(), a, good()); err != nil || id != "ann" {
		t.Errorf("signed with the second key: %q, %v", id, err)
	}
}

func TestAlgorithms(t *testing.T) {
	for _, c := range []struct {
		alg  string
		bits int
	}{{"RS256", 2048}, {"RS384", 2048}, {"RS512", 2048}, {"ES256", 256}, {"ES384", 384}, {"EdDSA", 0}} {
		s := newSigner(t, c.alg, c.bits)
		a := mustNew(t, auth.Config{Token: &auth.Token{Algorithm: c.alg, Keys: []string{s.pem(t)}}})
		if id, err := bearer(t.Context(), a, s.sign(t, "", claims())); err != nil || id != "ann" {
			t.Errorf("%s: %q, %v", c.alg, id, err)
		}
		if _, err := bearer(t.Context(), a, newSigner(t, c.alg, c.bits).sign(t, "", claims())); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s with another key: %v", c.alg, err)
		}
		// The public key is known to everybody; it must not serve as a secret.
		confused := signHS(hs256, claims(), s.pem(t))
		if _, err := bearer(t.Context(), a, confused); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s: HS256 with the public key: %v", c.alg, err)
		}
		asUs := signHS(fmt.Sprintf(`{"alg":%q}`, c.alg), claims(), s.pem(t))
		if _, err := bearer(t.Context(), a, asUs); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s: a hash in place of a signature: %v", c.alg, err)
		}
	}
}

func TestNewRefusesWeakSettings(t *testing.T) {
	weak := newSigner(t, "RS256", 1024)
	p256, p384 := newSigner(t, "ES256", 256), newSigner(t, "ES384", 384)
	for _, c := range []struct {
		want  string
		app   string
		token auth.Token
	}{
		{"at least 32 bytes", appID, auth.Token{Algorithm: "HS256", Keys: []string{secret[:31]}}},
		{"at least 2048 bits", appID, auth.Token{Algorithm: "RS256", Keys: []string{weak.pem(t)}}},
		{"not one for ES384", appID, auth.Token{Algorithm: "ES384", Keys: []string{p256.pem(t)}}},
		{"not one for ES256", appID, auth.Token{Algorithm: "ES256", Keys: []string{p384.pem(t)}}},
		{"not a public key", appID, auth.Token{Algorithm: "RS256", Keys: []string{p256.pem(t)}}},
		{"not a public key", appID, auth.Token{Algorithm: "EdDSA", Keys: []string{secret}}},
		{"is no secret", appID, auth.Token{Algorithm: "HS256", Keys: []string{weak.pem(t)}}},
		{"signing key 2", appID, auth.Token{Algorithm: "HS256", Keys: []string{secret, "x"}}},
		{"0 signing keys", appID, auth.Token{Algorithm: "HS256"}},
		{"4 signing keys", appID, auth.Token{Algorithm: "HS256", Keys: []string{secret, secret, secret, secret}}},
		{"not supported", appID, auth.Token{Algorithm: "none", Keys: []string{secret}}},
		{"not supported", appID, auth.Token{Algorithm: "PS256", Keys: []string{secret}}},
		{"not supported", appID, auth.Token{Keys: []string{secret}}},
		{"no URL may offer", appID, auth.Token{Algorithm: "HS256", KeySetURL: "https://issuer.example/keys"}},
		{"must be https", appID, auth.Token{Algorithm: "RS256", KeySetURL: "http://issuer.example/keys"}},
		{"must be https", appID, auth.Token{Algorithm: "RS256", KeySetURL: "file:///etc/passwd"}},
		{"must be https", appID, auth.Token{Algorithm: "RS256", KeySetURL: "https://user:pw@issuer.example/keys"}},
		{"neither an audience", "", auth.Token{Algorithm: "HS256", Keys: []string{secret}}},
	} {
		_, err := auth.New(t.Context(), auth.Config{App: c.app, Token: &c.token})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%s, %s) = %v, want %q", c.token.Algorithm, c.token.KeySetURL, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), secret[:31]) || strings.Contains(err.Error(), "BEGIN")) {
			t.Errorf("the error shows a key: %v", err)
		}
	}
}

func TestMetadata(t *testing.T) {
	provider := hsToken()
	provider.Metadata = []auth.MetadataField{
		{Path: []string{"email"}, Name: "email", Required: true},
		{Path: []string{"https://x.io/roles"}, Name: "roles"},
		{Path: []string{"a", "b"}, Name: "nested"},
		{Path: []string{"n"}, Name: "n"},
		{Path: []string{"null"}, Name: "null"},
		{Path: []string{"absent"}, Name: "absent"},
		{Path: []string{"object"}, Name: "object"},
	}
	a := mustNew(t, auth.Config{Token: provider})
	u, err := a.Authenticate(t.Context(), auth.Credentials{Kind: auth.JWT, Secret: good(
		"email", `"a@x"`, "https://x.io/roles", `["r", null, 2.5, {"k": true}]`, "a", `{"b": 3000000000}`, "n", `7`,
		"null", `null`, "object", `{"$oid": "5f0000000000000000000000"}`, "email_verified", `true`,
	)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := bson.Marshal(bson.D{
		{Key: "email", Value: "a@x"},
		{Key: "roles", Value: bson.A{"r", nil, 2.5, bson.D{{Key: "k", Value: true}}}},
		{Key: "nested", Value: int64(3_000_000_000)},
		{Key: "n", Value: int32(7)},
		{Key: "object", Value: bson.D{{Key: "$oid", Value: "5f0000000000000000000000"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &rules.User{
		ID: "ann", Type: rules.NormalUser, Data: data,
		Identities: []rules.Identity{{ID: "ann", ProviderType: "custom-token", Data: data}},
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	for name, token := range map[string]string{
		"missing": good("n", `7`),
		"null":    good("email", `null`),
		"long":    good("email", `"`+strings.Repeat("é", 4097)+`"`),
		"large":   good("email", `"a@x"`, "object", `["`+strings.Repeat("a", 4096)+`"]`),
		"number":  good("email", `"a@x"`, "n", `1e999`),
		"inside":  good("email", `"a@x"`, "object", `[{"a": 1e999}]`),
	} {
		if _, err := bearer(t.Context(), a, token); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := bearer(t.Context(), a, good("email", `"`+strings.Repeat("é", 4096)+`"`)); err != nil {
		t.Errorf("a text of 4096 characters: %v", err)
	}
}

func TestTokensWithoutProvider(t *testing.T) {
	a := mustNew(t, auth.Config{})
	for _, c := range []auth.Credentials{
		{},
		{Kind: auth.Bearer, Secret: good()},
		{Kind: auth.JWT, Secret: good()},
		{Kind: auth.EmailPassword, Email: "a@x", Secret: "password"},
		{Kind: auth.APIKey, Secret: "rgk_x"},
		{Kind: 99, Secret: good()},
	} {
		if u, err := a.Authenticate(t.Context(), c); u != nil || !errors.Is(err, auth.ErrFailed) {
			t.Errorf("Authenticate(kind %d) = %v, %v", c.Kind, u, err)
		}
	}
	shown := fmt.Sprintf("%v %+v %#v", auth.Credentials{Secret: secret}, auth.Credentials{Secret: secret}, auth.Credentials{Secret: secret})
	if strings.Contains(shown, secret) {
		t.Errorf("credentials print their secret: %s", shown)
	}
}

// Whatever comes, reading it ends in an answer, and only what was signed here is let in.
func FuzzToken(f *testing.F) {
	for _, s := range []string{good(), "", "..", signHS(`{"alg":"none"}`, claims(), ""), good("x", `{"a":[1,null]}`)} {
		f.Add(s)
	}
	a, err := auth.New(f.Context(), auth.Config{App: appID, Token: hsToken(), AttemptsPerMinute: -1, Now: newClock().Now})
	if err != nil {
		f.Fatal(err)
	}
	defer a.Close()
	f.Fuzz(func(t *testing.T, token string) {
		id, err := bearer(t.Context(), a, token)
		if err == nil && id != "ann" {
			t.Errorf("%q is let in as %q", token, id)
		}
		if err != nil && !errors.Is(err, auth.ErrFailed) && !errors.Is(err, auth.ErrExpired) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
