package userfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
)

const (
	maxLine = 1 << 20 // bytes
	maxID   = 255     // bytes, like a subject
)

// Read reads all users of a file for an app. Every line that cannot be imported is an error; then nothing should be.
// Users without a date were created now.
func Read(r io.Reader, app string, now time.Time) ([]auth.User, error) {
	var users []auth.User
	var errs []error
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		u, err := read(line, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		u.App = app
		users = append(users, auth.NewUser(u))
	}
	return users, errors.Join(errors.Join(errs...), lines.Err())
}

func read(line []byte, now time.Time) (auth.User, error) {
	doc, err := ejson.Parse(line, ejson.Limits{})
	if err != nil {
		return auth.User{}, err
	}
	u := auth.User{Created: now, Disabled: flag(doc, "disabled")}
	if id := text(doc, "localId"); id != "" {
		u.ID = id
		err = readFirebase(&u, doc)
	} else {
		u.ID = text(doc, "_id")
		err = readAppServices(&u, doc)
	}
	if err != nil {
		return auth.User{}, err
	}
	return u, check(&u)
}

// check refuses what could not be told from somebody else, or could never log in.
func check(u *auth.User) error {
	switch {
	case u.ID == "" || len(u.ID) > maxID:
		return errors.New("a user has an _id, or a localId, of at most 255 bytes")
	case auth.CanonicalID(u.ID) != u.ID:
		return errors.New("an id in hexadecimal has small letters: capital ones are another spelling of the same")
	}
	seen := map[string]bool{}
	for _, i := range u.Identities {
		if i.Provider != auth.PasswordProvider {
			continue
		}
		if err := auth.CheckEmail(i.Login); err != nil {
			return errors.New("somebody who logs in with a password has an e-mail address")
		}
		if seen[i.Login] {
			return errors.New("the same login twice")
		}
		seen[i.Login] = true
	}
	if u.Password != "" {
		return auth.CheckHash(u.Password)
	}
	return nil
}

// readAppServices reads a user as the Admin API lists them, with password_hash besides.
func readAppServices(u *auth.User, doc bson.Raw) error {
	if text(doc, "type") == "server" {
		return errors.New("an API key of a server cannot be imported: its secret is not known")
	}
	if v, ok := bsonval.Lookup(doc, "data"); ok {
		data, isDocument := bsonval.Document(v)
		if !isDocument {
			return errors.New("data must be an object")
		}
		u.Data = bytes.Clone(data)
	}
	u.Password = text(doc, "password_hash")
	if v, ok := bsonval.Lookup(doc, "creation_date"); ok {
		if ms, isDate := bsonval.DateTime(v); isDate {
			u.Created = time.UnixMilli(ms)
		} else if seconds, exact := bsonval.Int64(v); exact && seconds > 0 {
			u.Created = time.Unix(seconds, 0)
		}
	}
	list, _ := bsonval.Lookup(doc, "identities")
	return eachDocument(list, func(x bson.Raw) error {
		i := auth.Identity{ID: text(x, "id"), Provider: text(x, "provider_type")}
		switch i.Provider {
		case "":
			return errors.New("an identity has a provider_type")
		case auth.PasswordProvider:
			i.Login = text(x, "provider_data", "email")
			if i.Login == "" {
				i.Login = text(doc, "data", "email")
			}
			i.Login = auth.EmailLogin(i.Login)
		case auth.AnonymousProvider, "api-key": // nobody logs in by these
		default:
			i.Login = i.ID
		}
		if i.ID == "" {
			return errors.New("an identity has an id")
		}
		u.Identities = append(u.Identities, i)
		return nil
	})
}

// readFirebase reads a user as firebase auth:export writes them.
func readFirebase(u *auth.User, doc bson.Raw) error {
	data, start := bsonval.BeginDocument(nil)
	for _, f := range [][2]string{{"email", "email"}, {"displayName", "name"}, {"photoUrl", "picture"}} {
		if s := text(doc, f[0]); s != "" {
			data = bsonval.AppendElement(data, f[1], bsonval.FromString(s))
		}
	}
	u.Data = bsonval.EndDocument(data, start)
	if ms, err := strconv.ParseInt(text(doc, "createdAt"), 10, 64); err == nil && ms > 0 {
		u.Created = time.UnixMilli(ms)
	}
	if email := text(doc, "email"); email != "" && text(doc, "passwordHash") != "" {
		u.Identities = append(u.Identities, auth.PasswordIdentity(email, u.Created))
	}
	list, _ := bsonval.Lookup(doc, "providerUserInfo")
	return eachDocument(list, func(x bson.Raw) error {
		provider := map[string]string{"google.com": "oauth2-google", "apple.com": "oauth2-apple"}[text(x, "providerId")]
		if id := text(x, "rawId"); provider != "" && id != "" {
			u.Identities = append(u.Identities, auth.Identity{ID: id, Provider: provider, Login: id})
		}
		return nil
	})
}

func eachDocument(v bson.RawValue, f func(bson.Raw) error) error {
	list, ok := bsonval.Array(v)
	if !ok {
		return nil
	}
	for it := bsonval.NewIter(list); it.Next(); {
		doc, ok := bsonval.Document(it.Value())
		if !ok {
			return errors.New("a list of objects has something else in it")
		}
		if err := f(doc); err != nil {
			return err
		}
	}
	return nil
}

// text is the string at a path, or the hexadecimal form of an ObjectId; else it is empty.
func text(doc bson.Raw, path ...string) string {
	var v bson.RawValue
	for i, name := range path {
		var ok bool
		if v, ok = bsonval.Lookup(doc, name); !ok {
			return ""
		}
		if doc, ok = bsonval.Document(v); !ok && i < len(path)-1 {
			return ""
		}
	}
	if id, ok := bsonval.ObjectID(v); ok {
		return id.Hex()
	}
	s, _ := bsonval.String(v)
	return s
}

func flag(doc bson.Raw, name string) bool {
	v, _ := bsonval.Lookup(doc, name)
	is, _ := bsonval.Bool(v)
	return is
}
