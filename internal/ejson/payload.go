package ejson

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func (p *parser) objectID() error {
	s, err := p.text("$oid")
	if err != nil {
		return err
	}
	if len(s) != 24 {
		return p.bad("$oid")
	}
	if p.out, err = hex.AppendDecode(p.out, s); err != nil {
		return p.bad("$oid")
	}
	return nil
}

// date reads an ISO string, {"$numberLong": "…"}, or a bare integer, which older shells print.
func (p *parser) date(depth int) error {
	var ms int64
	switch p.dec.PeekKind() {
	case jsontext.KindString:
		s, err := p.text("$date")
		if err != nil {
			return err
		}
		t, ok := parseTime(string(s))
		if !ok {
			return p.bad("$date")
		}
		ms = t.UnixMilli()
	case jsontext.KindNumber:
		raw, err := p.dec.ReadValue()
		if err != nil {
			return p.syntax(err)
		}
		if ms, err = strconv.ParseInt(string(raw), 10, 64); err != nil {
			return p.bad("$date")
		}
	case jsontext.KindBeginObject:
		found := false
		err := p.members("$date", depth, func(name string) (err error) {
			if name != "$numberLong" {
				return p.bad("$date")
			}
			found = true
			ms, err = p.quotedInt("$date", 64)
			return err
		})
		if err != nil {
			return err
		}
		if !found {
			return p.bad("$date")
		}
	default:
		return p.bad("$date")
	}
	p.out = binary.LittleEndian.AppendUint64(p.out, uint64(ms))
	return nil
}

// parseTime reads the date form of Extended JSON. The shape is checked first: time.Parse is more generous.
func parseTime(s string) (time.Time, bool) {
	const shape = "dddd-dd-ddTdd:dd:dd"
	if len(s) <= len(shape) || strings.Contains(s, ",") {
		return time.Time{}, false
	}
	for i := range len(shape) {
		if digit := s[i] >= '0' && s[i] <= '9'; digit != (shape[i] == 'd') || !digit && s[i] != shape[i] {
			return time.Time{}, false
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999Z07:00", "2006-01-02T15:04:05.999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (p *parser) double() error {
	s, err := p.text("$numberDouble")
	if err != nil {
		return err
	}
	var f float64
	switch string(s) {
	case "Infinity":
		f = math.Inf(1)
	case "-Infinity":
		f = math.Inf(-1)
	case "NaN":
		f = math.NaN()
	default:
		// JSON's own grammar keeps out hexadecimal, underscores and "inf".
		if v := jsontext.Value(s); v.Kind() != jsontext.KindNumber || !v.IsValid() || hasSpace(s) {
			return p.bad("$numberDouble")
		}
		if f, err = strconv.ParseFloat(string(s), 64); err != nil {
			return p.bad("$numberDouble")
		}
	}
	p.out = binary.LittleEndian.AppendUint64(p.out, math.Float64bits(f))
	return nil
}

func hasSpace(s []byte) bool {
	return slices.ContainsFunc(s, func(c byte) bool { return c <= ' ' })
}

func (p *parser) decimal() error {
	s, err := p.text("$numberDecimal")
	if err != nil {
		return err
	}
	// 34 digits, a point, an exponent and zeros to spare; the driver's parser is quadratic.
	if len(s) > 128 {
		return p.bad("$numberDecimal")
	}
	d, err := bson.ParseDecimal128(string(s))
	if err != nil {
		return p.bad("$numberDecimal")
	}
	high, low := d.GetBytes()
	p.out = binary.LittleEndian.AppendUint64(p.out, low)
	p.out = binary.LittleEndian.AppendUint64(p.out, high)
	return nil
}

func (p *parser) binary(depth int) error {
	var data []byte
	var subtype uint64
	seen := 0
	err := p.members("$binary", depth, func(name string) error {
		s, err := p.text("$binary")
		if err != nil {
			return err
		}
		seen++
		switch name {
		case "base64":
			if slices.ContainsFunc(s, func(c byte) bool { return c == '\n' || c == '\r' }) {
				return p.bad("$binary")
			}
			data, err = base64.StdEncoding.Strict().AppendDecode(nil, s)
		case "subType":
			if len(s) == 0 || len(s) > 2 {
				return p.bad("$binary")
			}
			subtype, err = strconv.ParseUint(string(s), 16, 8)
		default:
			return p.bad("$binary")
		}
		if err != nil {
			return p.bad("$binary")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if seen != 2 {
		return p.bad("$binary")
	}
	p.appendBinary(byte(subtype), data)
	return nil
}

func (p *parser) appendBinary(subtype byte, data []byte) {
	n := uint32(len(data))
	if subtype == bson.TypeBinaryBinaryOld {
		p.out = binary.LittleEndian.AppendUint32(p.out, n+4)
		p.out = append(p.out, subtype)
		p.out = binary.LittleEndian.AppendUint32(p.out, n)
	} else {
		p.out = binary.LittleEndian.AppendUint32(p.out, n)
		p.out = append(p.out, subtype)
	}
	p.out = append(p.out, data...)
}

func (p *parser) uuid() error {
	s, err := p.text("$uuid")
	if err != nil {
		return err
	}
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return p.bad("$uuid")
	}
	var id [16]byte
	plain := slices.Concat(s[:8], s[9:13], s[14:18], s[19:23], s[24:])
	if _, err := hex.Decode(id[:], plain); err != nil {
		return p.bad("$uuid")
	}
	p.appendBinary(bson.TypeBinaryUUID, id[:])
	return nil
}

func (p *parser) timestamp(depth int) error {
	var t, i uint64
	seen := 0
	err := p.members("$timestamp", depth, func(name string) error {
		seen++
		if p.dec.PeekKind() != jsontext.KindNumber {
			return p.bad("$timestamp")
		}
		raw, err := p.dec.ReadValue()
		if err != nil {
			return p.syntax(err)
		}
		n, err := strconv.ParseUint(string(raw), 10, 32)
		switch {
		case err != nil:
			return p.bad("$timestamp")
		case name == "t":
			t = n
		case name == "i":
			i = n
		default:
			return p.bad("$timestamp")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if seen != 2 {
		return p.bad("$timestamp")
	}
	p.out = binary.LittleEndian.AppendUint64(p.out, t<<32|i)
	return nil
}

func (p *parser) regex(depth int) error {
	var pattern, options []byte
	seen := 0
	err := p.members("$regularExpression", depth, func(name string) error {
		s, err := p.text("$regularExpression")
		if err != nil {
			return err
		}
		seen++
		if slices.Contains(s, 0) {
			return p.bad("$regularExpression")
		}
		switch name {
		case "pattern":
			pattern = slices.Clone(s)
		case "options":
			options = slices.Clone(s)
		default:
			return p.bad("$regularExpression")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if seen != 2 || slices.ContainsFunc(options, func(c byte) bool { return c < 'a' || c > 'z' }) {
		return p.bad("$regularExpression")
	}
	slices.Sort(options) // BSON keeps options in alphabetical order
	p.out = append(append(p.out, pattern...), 0)
	p.out = append(append(p.out, options...), 0)
	return nil
}

// one reads the payload of $minKey and $maxKey.
func (p *parser) one(key string) error {
	if p.dec.PeekKind() != jsontext.KindNumber {
		return p.bad(key)
	}
	raw, err := p.dec.ReadValue()
	if err != nil {
		return p.syntax(err)
	}
	if string(raw) != "1" {
		return p.bad(key)
	}
	return nil
}
