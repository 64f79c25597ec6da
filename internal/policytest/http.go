package policytest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
)

// HTTP carries the steps of a case to a server that speaks the Data API. It is the part of a Session that does
// not depend on how the server was started.
type HTTP struct {
	Case   *Case
	URL    string // of the server, without a path
	AppID  string // "" is that of the corpus
	Client *http.Client
	// Keys are the API keys of the server users, by name.
	Keys map[string]string
	// Token, when set, gives the token of a user in place of one that the provider of the corpus accepts.
	Token func(u *User) string
	// Now dates the tokens.
	Now func() time.Time

	sessions map[string]session // :: user name → who has logged in
}

// Do sends one step.
func (h *HTTP) Do(ctx context.Context, s *Step) (Outcome, error) {
	if s.HTTP != nil {
		return h.exchange(ctx, s.HTTP)
	}
	return h.command(ctx, h.Case.Users[s.User], s.Command)
}

func (h *HTTP) exchange(ctx context.Context, e *Exchange) (Outcome, error) {
	target, err := h.fill(ctx, e.Target)
	if err != nil {
		return Outcome{}, err
	}
	body, err := h.fill(ctx, e.Body)
	if err != nil {
		return Outcome{}, err
	}
	req, err := http.NewRequestWithContext(ctx, e.Method, h.URL+target, strings.NewReader(body))
	if err != nil {
		return Outcome{}, err
	}
	for _, header := range e.Headers {
		value, err := h.fill(ctx, header.Value)
		if err != nil {
			return Outcome{}, err
		}
		req.Header.Add(header.Name, value)
	}
	status, header, text, err := h.send(req)
	if err != nil {
		return Outcome{}, err
	}
	return Response(status, header, string(text)), nil
}

// credential is such as {token ann} or {expired access ann}.
var credential = regexp.MustCompile(`\{(token|expired|key|access|expired access|refresh) (\w+)\}`)

func (h *HTTP) fill(ctx context.Context, text string) (string, error) {
	var errs []error
	text = credential.ReplaceAllStringFunc(text, func(s string) string {
		parts := credential.FindStringSubmatch(s)
		u := h.Case.Users[parts[2]]
		if u == nil {
			return s
		}
		switch parts[1] {
		case "key":
			return h.Keys[u.Name]
		case "expired":
			return Token(u, h.Now().Add(-2*tokenLife))
		case "token":
			return h.token(u)
		}
		session, err := h.session(ctx, u)
		if err != nil {
			errs = append(errs, err)
			return s
		}
		switch parts[1] {
		case "refresh":
			return session.Refresh
		case "expired access":
			return expired(session.Access)
		default:
			return session.Access
		}
	})
	return text, errors.Join(errs...)
}

// session are the tokens of a user who has logged in.
type session struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// session logs a user in, once.
func (h *HTTP) session(ctx context.Context, u *User) (session, error) {
	if s, ok := h.sessions[u.Name]; ok {
		return s, nil
	}
	provider, body := "custom-token", `{"token":"`+h.token(u)+`"}`
	if u.Type == "server" {
		provider, body = "api-key", `{"key":"`+h.Keys[u.Name]+`"}`
	}
	url := fmt.Sprintf("%s/api/client/v2.0/app/%s/auth/providers/%s/login", h.URL, h.appID(), provider)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return session{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	status, _, text, err := h.send(req)
	if err != nil {
		return session{}, err
	}
	var s session
	if err := json.Unmarshal(text, &s); err != nil || status != http.StatusOK {
		return session{}, fmt.Errorf("%s cannot log in: %d %s", u.Name, status, text)
	}
	if h.sessions == nil {
		h.sessions = map[string]session{}
	}
	h.sessions[u.Name] = s
	return s, nil
}

func (h *HTTP) token(u *User) string {
	if h.Token != nil {
		return h.Token(u)
	}
	return Token(u, h.Now())
}

func (h *HTTP) appID() string { return cmp.Or(h.AppID, AppID) }

// command sends an action in extended JSON, so that answers keep their types.
func (h *HTTP) command(ctx context.Context, u *User, c *Command) (Outcome, error) {
	url := h.URL + c.Path(h.appID())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(c.Body()))
	if err != nil {
		return Outcome{}, err
	}
	req.Header.Set("Content-Type", "application/ejson")
	req.Header.Set("Accept", "application/ejson")
	if u.Type == "server" {
		req.Header.Set("apiKey", h.Keys[u.Name])
	} else {
		req.Header.Set("jwtTokenString", h.token(u))
	}
	for _, header := range c.Headers {
		req.Header.Set(header.Name, header.Value)
	}
	status, _, text, err := h.send(req)
	if err != nil {
		return Outcome{}, err
	}
	return answer(c.Action, status, text)
}

// Path is where a command is sent.
func (c *Command) Path(appID string) string {
	return fmt.Sprintf("/app/%s/endpoint/data/v1/action/%s", appID, c.Action)
}

// Body is the request body of a command, with the arguments as they are written in the case.
func (c *Command) Body() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"dataSource": %s, "database": %s, "collection": %s`,
		strconv.Quote(c.Service), strconv.Quote(c.Database), strconv.Quote(c.Collection))
	for _, a := range c.Args {
		fmt.Fprintf(&b, `, %s: %s`, strconv.Quote(a.Key), a.Text)
	}
	return b.String() + "}"
}

func (h *HTTP) send(req *http.Request) (status int, header http.Header, body []byte, err error) {
	res, err := h.Client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = res.Body.Close() }() // the body has been read
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, res.Header, body, err
}

// answer reads the body of an answer.
func answer(action string, status int, text []byte) (Outcome, error) {
	doc, err := ejson.Parse(text, ejson.Limits{})
	if err != nil {
		return Outcome{}, fmt.Errorf("%s answered %d %q: %w", action, status, text, err)
	}
	if status >= http.StatusBadRequest {
		message, _ := doc.Lookup("error").StringValueOK()
		code, _ := doc.Lookup("error_code").StringValueOK()
		return Failed(status, code, message), nil
	}
	number := func(key string) int64 { n, _ := doc.Lookup(key).AsInt64OK(); return n }
	switch {
	case has(doc, "document"):
		found, _ := doc.Lookup("document").DocumentOK()
		return Document(found), nil
	case has(doc, "documents"):
		return Documents(documents(doc.Lookup("documents"))), nil
	case has(doc, "insertedId"):
		return Inserted(doc.Lookup("insertedId")), nil
	case has(doc, "insertedCount"):
		return Bulk(doc), nil
	case has(doc, "insertedIds"):
		list, _ := doc.Lookup("insertedIds").ArrayOK()
		return Inserted(must(list.Values())...), nil
	case has(doc, "matchedCount"):
		return Updated(number("matchedCount"), number("modifiedCount"), doc.Lookup("upsertedId")), nil
	case has(doc, "deletedCount"):
		return Deleted(number("deletedCount")), nil
	case has(doc, "count"):
		return Counted(number("count")), nil
	case has(doc, "values"):
		return Values(doc.Lookup("values")), nil
	}
	return Outcome{}, fmt.Errorf("%s answered %d %q, which is no answer of an action", action, status, text)
}

func has(doc bson.Raw, key string) bool {
	_, err := doc.LookupErr(key)
	return err == nil
}

func documents(list bson.RawValue) []bson.Raw {
	array, _ := list.ArrayOK()
	docs := []bson.Raw{}
	for _, v := range must(array.Values()) {
		if doc, ok := v.DocumentOK(); ok {
			docs = append(docs, doc)
		}
	}
	return docs
}
