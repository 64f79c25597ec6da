package ejson

import "strconv"

const (
	msPerDay = 24 * 60 * 60 * 1000
	// The milliseconds of 1970-01-01 and 10000-01-01: relaxed Extended JSON has strings only between them.
	firstRelaxed = 0
	endRelaxed   = 253402300800000
)

func appendDate(dst []byte, ms int64, f form) []byte {
	switch {
	case f == plain:
		return append(appendTime(append(dst, '"'), ms), '"')
	case f == relaxed && ms >= firstRelaxed && ms < endRelaxed:
		return append(appendTime(append(dst, `{"$date":"`...), ms), `"}`...)
	}
	return append(strconv.AppendInt(append(dst, `{"$date":{"$numberLong":"`...), ms, 10), `"}}`...)
}

// appendTime writes ISO 8601 in UTC, trailing zeros of the fraction trimmed. Years beyond four digits have a sign
// and six digits or more, as in JavaScript.
func appendTime(dst []byte, ms int64) []byte {
	days, rest := ms/msPerDay, ms%msPerDay
	if rest < 0 {
		days, rest = days-1, rest+msPerDay
	}
	year, month, day := civil(days)
	dst = appendYear(dst, year)
	dst = appendPair(append(dst, '-'), month)
	dst = appendPair(append(dst, '-'), day)
	dst = appendPair(append(dst, 'T'), rest/3_600_000)
	dst = appendPair(append(dst, ':'), rest/60_000%60)
	dst = appendPair(append(dst, ':'), rest/1000%60)
	if ms := rest % 1000; ms != 0 {
		dst = append(dst, '.', digit(ms/100))
		if ms%100 != 0 {
			dst = append(dst, digit(ms/10%10))
		}
		if ms%10 != 0 {
			dst = append(dst, digit(ms%10))
		}
	}
	return append(dst, 'Z')
}

func appendYear(dst []byte, year int64) []byte {
	if year >= 0 && year <= 9999 {
		return appendPair(appendPair(dst, year/100), year%100)
	}
	sign := byte('+')
	if year < 0 {
		sign, year = '-', -year
	}
	dst = append(dst, sign)
	for limit := int64(100_000); year < limit; limit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, year, 10)
}

func appendPair(dst []byte, n int64) []byte { return append(dst, digit(n/10), digit(n%10)) }

func digit(n int64) byte { return '0' + byte(n) }

// civil turns a day number (0 is 1970-01-01) into a date of the Gregorian calendar. Counting years from March
// puts the leap day last, so that the length of every month follows one formula.
func civil(days int64) (year, month, day int64) {
	days += 719468 // from 0000-03-01
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	doe := days - era*146097                               // day of the 400-year era
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365 // year of the era
	doy := doe - (365*yoe + yoe/4 - yoe/100)               // day of the year from March 1
	mp := (5*doy + 2) / 153                                // month from March
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}
