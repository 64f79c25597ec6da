// Package audit writes the decision log: one JSON line for everything that is refused, withheld or fails, saying who,
// where and why, and never what.
//
// The log is a [log/slog] handler with a list of the keys that a line may have. The value of any other key is replaced,
// so that a document, a query or a credential cannot end up in the log because somebody passed it along. What a key
// holds is cut to a length; control characters are escaped by the JSON encoding.
package audit

import (
	"context"
	"io"
	"log/slog"
	"unicode/utf8"
)

// Withheld stands in place of what is not written.
const Withheld = "[withheld]"

const (
	shortText = 256
	longText  = 1024
	traceText = 16 << 10
)

// keys lists what a line may say, each with its longest text in bytes.
func keys() map[string]int {
	limits := map[string]int{}
	for limit, names := range map[int][]string{
		shortText: {
			// Who asks for what.
			"request", "request_id", "user", "kind", "action", "operation", "namespace", "function",
			// What became of it. Paths are names, never values.
			"code", "reason", "outcome", "role", "permission", "path", "documents", "plan", "fetched", "returned", "status", "duration",
			// The server itself.
			"app", "app_id", "revision", "version", "address", "admin", "at_most", "service", "host", "hosts", "keys", "algorithm",
			"problems", "tls", "expr", "bulk_write", "collation", "computed", "union_with", "documents_stage",
		},
		longText: {"cause", "error", "value", "diagnostic"},
		// Of a panic: function names and addresses.
		traceText: {"stack"},
	} {
		for _, name := range names {
			limits[name] = limit
		}
	}
	return limits
}

// New returns a logger whose lines go to w, each in one call of Write. Debug lines may quote the text of a database's
// errors, which quotes values: they are for test systems.
func New(w io.Writer, level slog.Leveler) *slog.Logger {
	limits := keys()
	return slog.New(&handler{slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return a
			}
			return clean(a, limits)
		},
	})})
}

// clean cuts an attribute to what may be written. ReplaceAttr sees the members of groups one by one.
func clean(a slog.Attr, limits map[string]int) slog.Attr {
	limit, known := limits[a.Key]
	if !known {
		return slog.String(a.Key, Withheld)
	}
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindTime, slog.KindDuration:
		return slog.Attr{Key: a.Key, Value: v}
	case slog.KindString:
		return slog.String(a.Key, cut(v.String(), limit))
	default:
		switch x := v.Any().(type) {
		case error:
			return slog.String(a.Key, cut(x.Error(), limit))
		case nil:
			return slog.Any(a.Key, nil)
		}
		return slog.String(a.Key, Withheld) // a structure may hold anything
	}
}

// cut shortens a text to a number of bytes without splitting a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// handler takes care of what ReplaceAttr does not see: the message, and an attribute that is a group.
type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	flat := slog.NewRecord(r.Time, r.Level, cut(r.Message, shortText), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.Resolve().Kind() == slog.KindGroup {
			a = slog.String(a.Key, Withheld)
		}
		flat.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, flat)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler. Lines are flat: a group would hide which key is which.
func (h *handler) WithGroup(string) slog.Handler { return h }
