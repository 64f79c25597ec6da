package ejson

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

func appendDouble(dst []byte, x float64, f form) []byte {
	switch {
	case f == plain:
		return appendPlainDouble(dst, x)
	case f == canonical || math.IsNaN(x) || math.IsInf(x, 0):
		return append(appendExtendedDouble(open(dst, "$numberDouble"), x), `"}`...)
	default:
		return appendExtendedDouble(dst, x)
	}
}

// appendExtendedDouble writes the shortest text that reads back as x and looks like a double: 5.0, 1E+06.
func appendExtendedDouble(dst []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, "NaN"...)
	case math.IsInf(x, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(x, -1):
		return append(dst, "-Infinity"...)
	}
	// %G goes over to exponents at a million.
	if n := int64(x); float64(n) == x && n > -1e6 && n < 1e6 && (n != 0 || !math.Signbit(x)) {
		return append(strconv.AppendInt(dst, n, 10), ".0"...)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, x, 'G', -1, 64)
	if !bytes.ContainsAny(dst[start:], "E.") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendPlainDouble writes x as encoding/json does. What JSON has no number for is a string.
func appendPlainDouble(dst []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, `"NaN"`...)
	case math.IsInf(x, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(x, -1):
		return append(dst, `"-Infinity"`...)
	}
	abs := math.Abs(x)
	if n := int64(x); abs < 1e15 && float64(n) == x && (n != 0 || !math.Signbit(x)) {
		return strconv.AppendInt(dst, n, 10)
	}
	if abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		dst = strconv.AppendFloat(dst, x, 'e', -1, 64)
		if n := len(dst); dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
			dst[n-2] = dst[n-1] // e-09 is e-9 in JavaScript
			dst = dst[:n-1]
		}
		return dst
	}
	return strconv.AppendFloat(dst, x, 'f', -1, 64)
}

func appendDecimalValue(dst, b []byte, f form) []byte {
	low, high := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if f == plain {
		return append(appendDecimal(append(dst, '"'), high, low), '"')
	}
	return append(appendDecimal(open(dst, "$numberDecimal"), high, low), `"}`...)
}

// appendDecimal writes an IEEE 754 decimal128 in the notation of its specification: plain where the exponent is
// small and not positive, scientific elsewhere, never losing a trailing zero.
func appendDecimal(dst []byte, high, low uint64) []byte {
	negative := high>>63 == 1
	switch high >> 58 & 0x1f {
	case 0x1f:
		return append(dst, "NaN"...)
	case 0x1e:
		if negative {
			dst = append(dst, '-')
		}
		return append(dst, "Infinity"...)
	}
	var exp int
	if high>>61&3 == 3 { // the long form, whose coefficients are all out of range and count as zero
		exp = int(high >> 47 & 0x3fff)
		high, low = 0, 0
	} else {
		exp = int(high >> 49 & 0x3fff)
		high &= 1<<49 - 1
	}
	exp -= 6176

	var buf [40]byte
	digits := decimalDigits(&buf, high, low)
	if negative {
		dst = append(dst, '-')
	}
	adjusted := exp + len(digits) - 1
	if exp > 0 || adjusted < -6 {
		dst = append(dst, digits[0])
		if len(digits) > 1 {
			dst = append(append(dst, '.'), digits[1:]...)
		}
		dst = append(dst, 'E')
		if adjusted > 0 {
			dst = append(dst, '+')
		}
		return strconv.AppendInt(dst, int64(adjusted), 10)
	}
	point := len(digits) + exp
	switch {
	case exp == 0:
		return append(dst, digits...)
	case point > 0:
		return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
	}
	dst = append(dst, "0."...)
	for range -point {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// decimalDigits writes a 128-bit number into the end of buf, at least one digit.
func decimalDigits(buf *[40]byte, high, low uint64) []byte {
	i := len(buf)
	for {
		var rem uint64
		high, rem = high/10, high%10
		low, rem = bits.Div64(rem, low, 10)
		i--
		buf[i] = '0' + byte(rem)
		if high == 0 && low == 0 {
			return buf[i:]
		}
	}
}
