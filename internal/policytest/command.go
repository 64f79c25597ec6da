package policytest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/ejson"
)

// actions lists, for each action of the Data API, the keys of the body that a command gives by position.
var actions = map[string][]string{
	"find":              {"filter"},
	"findOne":           {"filter"},
	"insertOne":         {"document"},
	"insertMany":        {"documents"},
	"updateOne":         {"filter", "update"},
	"updateMany":        {"filter", "update"},
	"replaceOne":        {"filter", "replacement"},
	"deleteOne":         {"filter"},
	"deleteMany":        {"filter"},
	"aggregate":         {"pipeline"},
	"countDocuments":    {"filter"},
	"distinct":          {"key", "filter"},
	"findOneAndUpdate":  {"filter", "update"},
	"findOneAndReplace": {"filter", "replacement"},
	"findOneAndDelete":  {"filter"},
	"bulkWrite":         {"operations"},
}

// options are the keys of the body that have a line of their own.
var options = []string{"projection", "sort", "limit", "skip", "upsert", "arrayFilters", "returnNewDocument", "ordered"}

func (p *parser) command(s *Step, text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	action, rest, _ := strings.Cut(lines[0], " ")
	keys, ok := actions[action]
	if !ok {
		p.errorf(s.Line+1, "unknown action %q", action)
		return
	}
	cmd := &Command{Action: action}
	s.Command = cmd
	name, rest, _ := strings.Cut(rest, " ")
	ns, err := parseNamespace(name)
	if err != nil {
		p.errorf(s.Line+1, "%v", err)
	}
	cmd.Namespace = ns
	for _, key := range keys {
		text, after, err := nextJSON(rest)
		if err != nil {
			p.errorf(s.Line+1, "%s: %v", key, err)
			return
		}
		p.arg(cmd, key, text, s.Line+1)
		rest = after
	}
	if strings.TrimSpace(rest) != "" {
		p.errorf(s.Line+1, "%s takes no more than %s: %q", action, strings.Join(keys, ", "), rest)
	}
	for i, line := range lines[1:] {
		p.option(cmd, line, s.Line+2+i)
	}
}

func (p *parser) option(cmd *Command, text string, line int) {
	key, value, _ := strings.Cut(text, " ")
	switch {
	case key == "header":
		name, value, ok := strings.Cut(value, ":")
		if !ok {
			p.errorf(line, "a header is Name: value")
			return
		}
		cmd.Headers = append(cmd.Headers, Header{Name: name, Value: strings.TrimSpace(value)})
	case slices.Contains(options, key):
		p.arg(cmd, key, strings.TrimSpace(value), line)
	default:
		p.errorf(line, "unknown option %q", key)
	}
}

func (p *parser) arg(cmd *Command, key, text string, line int) {
	v, err := ejson.ParseValue([]byte(text), ejson.Limits{})
	if err != nil {
		p.errorf(line, "%s: %v", key, err)
		return
	}
	if _, twice := cmd.Arg(key); twice {
		p.errorf(line, "%s is given twice", key)
	}
	cmd.Args = append(cmd.Args, Arg{Key: key, Text: text, Value: v})
}

// parseNamespace reads app.c or svc/app.c; a collection's name may hold dots.
func parseNamespace(name string) (Namespace, error) {
	ns := Namespace{Service: DefaultService}
	if service, rest, ok := strings.Cut(name, "/"); ok {
		ns.Service, name = service, rest
	}
	var ok bool
	ns.Database, ns.Collection, ok = strings.Cut(name, ".")
	if !ok || ns.Service == "" || ns.Database == "" || ns.Collection == "" {
		return Namespace{}, fmt.Errorf("%q is not a namespace such as app.c", name)
	}
	return ns, nil
}

// nextJSON cuts the first JSON value off a line. It looks only for where the value ends; whether it is
// sound is found out when it is parsed.
func nextJSON(s string) (value, rest string, err error) {
	s = strings.TrimLeft(s, " ")
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case quoted && ch == '\\':
			i++
		case ch == '"':
			quoted = !quoted
		case quoted:
			continue
		case ch == '{' || ch == '[':
			depth++
			continue
		case ch == '}' || ch == ']':
			depth--
		default:
			continue
		}
		if depth == 0 && !quoted {
			return s[:i+1], s[i+1:], nil
		}
	}
	return "", "", errors.New("expected a JSON object, array or string")
}
