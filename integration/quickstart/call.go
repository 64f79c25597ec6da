package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rolegate/rolegate/internal/policytest"
)

// call is a step of a case as a request of plain HTTP. Credentials stand in it as {token tom} or {key ci}.
type call struct {
	title        string
	method, path string
	headers      []policytest.Header
	body         string
	status       int // that the case wants; 0 is any that is no error
}

// calls are the steps of a case, as clients that know nothing of Extended JSON send them.
func (e *example) calls() ([]call, error) {
	var out []call
	for _, s := range e.c.Steps {
		var c call
		if s.HTTP != nil {
			c = call{method: s.HTTP.Method, path: s.HTTP.Target, headers: s.HTTP.Headers, body: s.HTTP.Body}
		} else {
			who := policytest.Header{Name: "Authorization", Value: "Bearer {token " + s.User + "}"}
			if e.c.Users[s.User].Type == "server" {
				who = policytest.Header{Name: "apiKey", Value: "{key " + s.User + "}"}
			}
			headers := append([]policytest.Header{who, {Name: "Content-Type", Value: "application/json"}}, s.Command.Headers...)
			c = call{method: http.MethodPost, path: s.Command.Path(e.rules.AppID()), headers: headers, body: s.Command.Body()}
		}
		c.title = sentence(s.Title)
		if m := wantedStatus.FindStringSubmatch(strings.Join(s.Want.Lines, "\n")); m != nil {
			c.status, _ = strconv.Atoi(m[1])
		}
		for _, name := range c.names() {
			if e.c.Users[name] == nil {
				return nil, fmt.Errorf("%d. %s: there is no user %s", s.Number, s.Title, name)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// wantedStatus begins what a step wants, unless that is documents or numbers.
var wantedStatus = regexp.MustCompile(`^(?:error|status) (\d{3})\b`)

// answers tells whether a status is one that the case wants.
func (c call) answers(status int) bool {
	return status == c.status || c.status == 0 && status < http.StatusBadRequest
}

// sentence is the title of a step.
func sentence(title string) string {
	first, size := utf8.DecodeRuneInString(title)
	title = string(unicode.ToUpper(first)) + title[size:]
	if strings.HasSuffix(title, ".") {
		return title
	}
	return title + "."
}

var credential = regexp.MustCompile(`\{(?:token|key) (\w+)\}`)

// names are the users whose credentials the call has.
func (c call) names() []string {
	var out []string
	for _, text := range c.texts() {
		for _, m := range credential.FindAllStringSubmatch(text, -1) {
			out = append(out, m[1])
		}
	}
	return out
}

func (c call) texts() []string {
	out := []string{c.path, c.body}
	for _, h := range c.headers {
		out = append(out, h.Value)
	}
	return out
}

func fill(text string, value func(name string) string) string {
	return credential.ReplaceAllStringFunc(text, func(s string) string { return value(credential.FindStringSubmatch(s)[1]) })
}

func variable(name string) string { return "$" + strings.ToUpper(name) }

// curl is the call as a line for a shell that has each user's credential in a variable.
func (c call) curl(base string) string {
	var b strings.Builder
	b.WriteString("curl -s " + quoted(base+c.path))
	if c.method != http.MethodPost || c.body == "" {
		b.WriteString(" -X " + c.method)
	}
	for _, h := range c.headers {
		b.WriteString(" -H " + quoted(h.Name+": "+h.Value))
	}
	if c.body != "" {
		b.WriteString(" \\\n  -d " + quoted(c.body))
	}
	return b.String()
}

// plain is text that no shell reads anything into.
var plain = regexp.MustCompile(`^[\w:/.%-]+$`)

// quoted is a word of a shell.
func quoted(text string) string {
	escaped := strings.ReplaceAll(text, `'`, `'\''`)
	switch {
	case plain.MatchString(text):
		return text
	case !credential.MatchString(text):
		return "'" + escaped + "'"
	case !strings.ContainsAny(text, "\"$`\\!"):
		return `"` + fill(text, variable) + `"`
	}
	return "'" + fill(escaped, func(name string) string { return `'"` + variable(name) + `"'` }) + "'"
}

// send sends the call.
func (c call) send(ctx context.Context, base string, credentials map[string]string) (status int, answer string, err error) {
	value := func(name string) string { return credentials[name] }
	req, err := http.NewRequestWithContext(ctx, c.method, base+fill(c.path, value), strings.NewReader(fill(c.body, value)))
	if err != nil {
		return 0, "", err
	}
	for _, h := range c.headers {
		req.Header.Add(h.Name, fill(h.Value, value))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, strings.TrimSpace(string(text)), err
}
