package ejson

import (
	"encoding/binary"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// wrapper is a key that makes an object stand for a value.
type wrapper uint8

const (
	notWrapper     wrapper = iota
	wrapperRefused         // a wrapper of Extended JSON that nobody may send
	wrapperOID
	wrapperDate
	wrapperInt
	wrapperLong
	wrapperDouble
	wrapperDecimal
	wrapperBinary
	wrapperUUID
	wrapperTimestamp
	wrapperRegex
	wrapperMinKey
	wrapperMaxKey
)

// wrapperOf classifies a key that begins with $. Every other such key is an operator and none of our business.
// $regex is one of those: it is the query operator, not the old spelling of a regular expression.
func wrapperOf(key []byte) wrapper {
	switch string(key) {
	case "$oid":
		return wrapperOID
	case "$date":
		return wrapperDate
	case "$numberInt":
		return wrapperInt
	case "$numberLong":
		return wrapperLong
	case "$numberDouble":
		return wrapperDouble
	case "$numberDecimal":
		return wrapperDecimal
	case "$binary":
		return wrapperBinary
	case "$uuid":
		return wrapperUUID
	case "$timestamp":
		return wrapperTimestamp
	case "$regularExpression":
		return wrapperRegex
	case "$minKey":
		return wrapperMinKey
	case "$maxKey":
		return wrapperMaxKey
	case "$code", "$scope", "$dbPointer", "$symbol", "$undefined", "$ref", "$id", "$db":
		return wrapperRefused
	}
	return notWrapper
}

// wrapped reads the payload after a wrapper's key and the closing bracket, and appends the value.
func (p *parser) wrapped(w wrapper, depth int) (bson.Type, error) {
	t, err := p.payload(w, depth)
	if err != nil {
		return 0, err
	}
	if p.dec.PeekKind() == jsontext.KindString {
		return 0, p.errorf("a wrapped value cannot have further keys")
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return 0, p.syntax(err)
	}
	return t, nil
}

func (p *parser) payload(w wrapper, depth int) (bson.Type, error) {
	switch w {
	case wrapperOID:
		return bson.TypeObjectID, p.objectID()
	case wrapperDate:
		return bson.TypeDateTime, p.date(depth)
	case wrapperInt:
		n, err := p.quotedInt("$numberInt", 32)
		p.out = binary.LittleEndian.AppendUint32(p.out, uint32(n))
		return bson.TypeInt32, err
	case wrapperLong:
		n, err := p.quotedInt("$numberLong", 64)
		p.out = binary.LittleEndian.AppendUint64(p.out, uint64(n))
		return bson.TypeInt64, err
	case wrapperDouble:
		return bson.TypeDouble, p.double()
	case wrapperDecimal:
		return bson.TypeDecimal128, p.decimal()
	case wrapperBinary:
		return bson.TypeBinary, p.binary(depth)
	case wrapperUUID:
		return bson.TypeBinary, p.uuid()
	case wrapperTimestamp:
		return bson.TypeTimestamp, p.timestamp(depth)
	case wrapperRegex:
		return bson.TypeRegex, p.regex(depth)
	case wrapperMinKey:
		return bson.TypeMinKey, p.one("$minKey")
	case wrapperMaxKey:
		return bson.TypeMaxKey, p.one("$maxKey")
	default:
		return 0, p.errorf("malformed JSON")
	}
}

// members reads an object and calls read for each of its keys; read consumes the value.
func (p *parser) members(key string, depth int, read func(name string) error) error {
	if p.dec.PeekKind() != jsontext.KindBeginObject {
		return p.bad(key)
	}
	if err := p.open(depth + 1); err != nil {
		return err
	}
	for p.dec.PeekKind() != jsontext.KindEndObject {
		tok, err := p.dec.ReadToken()
		if err != nil {
			return p.syntax(err)
		}
		if err := read(tok.String()); err != nil {
			return err
		}
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return p.syntax(err)
	}
	return nil
}

// quotedInt reads an integer of the given size in decimal digits inside a string.
func (p *parser) quotedInt(key string, bits int) (int64, error) {
	s, err := p.text(key)
	if err != nil {
		return 0, err
	}
	if len(s) == 0 || s[0] == '+' {
		return 0, p.bad(key)
	}
	n, err := strconv.ParseInt(string(s), 10, bits)
	if err != nil {
		return 0, p.bad(key)
	}
	return n, nil
}

// text reads a string payload. The result is valid until the next call.
func (p *parser) text(key string) ([]byte, error) {
	if p.dec.PeekKind() != jsontext.KindString {
		return nil, p.bad(key)
	}
	raw, err := p.dec.ReadValue()
	if err != nil {
		return nil, p.syntax(err)
	}
	if p.scratch, err = jsontext.AppendUnquote(p.scratch[:0], raw); err != nil {
		return nil, p.syntax(err)
	}
	return p.scratch, nil
}

func (p *parser) bad(key string) error { return p.errorf("bad value of %s", key) }
