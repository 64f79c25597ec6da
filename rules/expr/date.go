package expr

import (
	"math"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
)

// The members of %%time.
var timeNames = []string{"year", "month", "day", "weekday", "hour", "minute"}

// calendar is what %%time expands to: the time of the request on the calendar of the app. Monday is weekday 1, Sunday 7.
func (s *Scope) calendar() bson.Raw {
	t := s.Now.In(s.zone())
	weekday := int64(t.Weekday())
	if t.Weekday() == time.Sunday {
		weekday = 7
	}
	doc, start := bsonval.BeginDocument(nil)
	for i, n := range []int64{int64(t.Year()), int64(t.Month()), int64(t.Day()), weekday, int64(t.Hour()), int64(t.Minute())} {
		doc = bsonval.AppendElement(doc, timeNames[i], bsonval.FromInt(n))
	}
	return bsonval.EndDocument(doc, start)
}

func (s *Scope) zone() *time.Location {
	if s.TimeZone == nil {
		return time.UTC
	}
	return s.TimeZone
}

// dateUnits are the units of %dateAdd and %dateSubtract, as MongoDB names them: months and days of the calendar, or a
// fixed time. See https://www.mongodb.com/docs/manual/reference/operator/aggregation/dateAdd/.
var dateUnits = map[string]struct {
	months, days int64
	fixed        time.Duration
}{
	"year":        {months: 12},
	"quarter":     {months: 3},
	"month":       {months: 1},
	"week":        {days: 7},
	"day":         {days: 1},
	"hour":        {fixed: time.Hour},
	"minute":      {fixed: time.Minute},
	"second":      {fixed: time.Second},
	"millisecond": {fixed: time.Millisecond},
}

// dateSum is a date so many units after another one, or before it.
type dateSum struct {
	start, amount operand
	unit          string
	before        bool
	zone          *time.Location // once bound
}

func (o dateSum) visit(f func(ref)) {
	o.start.visit(f)
	o.amount.visit(f)
}

func (o dateSum) bind(s *Scope) (operand, bool) {
	parts, known, ok := bindOperands([]operand{o.start, o.amount}, s)
	if !ok {
		return nil, false
	}
	o.start, o.amount, o.zone = parts[0], parts[1], s.zone()
	if !known {
		return o, true
	}
	v, ok := o.eval(nil)
	return constant{value: v, expansion: true}, ok && !bsonval.IsMissing(v)
}

// eval is missing where one of the two is.
func (o dateSum) eval(e *Env) (bson.RawValue, bool) {
	start, ok := o.start.eval(e)
	if !ok {
		return bson.RawValue{}, false
	}
	amount, ok := o.amount.eval(e)
	if !ok || bsonval.IsMissing(start) || bsonval.IsMissing(amount) || isNull(start) || isNull(amount) {
		return bson.RawValue{}, ok
	}
	from, ok := instant(start)
	if !ok {
		return bson.RawValue{}, false
	}
	n, ok := bsonval.Int64(amount)
	if !ok || n < -mostUnits || n > mostUnits {
		return bson.RawValue{}, false
	}
	if o.before {
		n = -n
	}
	sum, ok := addUnits(from.In(o.zone), n, o.unit)
	return bsonval.FromDateTime(sum.UnixMilli()), ok
}

// instant reads what MongoDB takes for a date.
func instant(v bson.RawValue) (time.Time, bool) {
	switch v.Type {
	case bson.TypeDateTime:
		ms, ok := v.DateTimeOK()
		return time.UnixMilli(ms), ok && inCalendar(time.UnixMilli(ms))
	case bson.TypeTimestamp:
		sec, _, ok := v.TimestampOK()
		return time.Unix(int64(sec), 0), ok
	case bson.TypeObjectID:
		id, ok := v.ObjectIDOK()
		return id.Timestamp(), ok
	default:
		return time.Time{}, false
	}
}

// inCalendar bounds dates to the years that a calendar is good for.
func inCalendar(t time.Time) bool { return t.Year() > -100_000 && t.Year() < 100_000 }

// mostUnits bounds amounts, so that no product overflows.
const mostUnits = 1 << 40

// addUnits counts months and days on the calendar of the zone. From the last days of a long month, months lead to the last
// day of a short one.
func addUnits(t time.Time, n int64, unit string) (time.Time, bool) {
	u := dateUnits[unit]
	switch {
	case u.months != 0:
		months := int64(t.Year())*12 + int64(t.Month()) - 1 + n*u.months
		year, month := floorDiv(months, 12), time.Month(months-floorDiv(months, 12)*12+1)
		if year < -100_000 || year > 100_000 {
			return t, false
		}
		last := time.Date(int(year), month+1, 0, 0, 0, 0, 0, time.UTC).Day()
		t = time.Date(int(year), month, min(t.Day(), last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	case u.days != 0:
		if days := n * u.days; days > -40_000_000 && days < 40_000_000 {
			t = t.AddDate(0, 0, int(days))
			break
		}
		return t, false
	default:
		ms := n * u.fixed.Milliseconds()
		if n != 0 && ms/n != u.fixed.Milliseconds() || ms > math.MaxInt64/2 || ms < math.MinInt64/2 {
			return t, false
		}
		t = time.UnixMilli(t.UnixMilli() + ms)
	}
	return t, inCalendar(t)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// dateSum reads {"startDate": ..., "unit": "day", "amount": 1}.
func (p *parser) dateSum(name string, m *source.Member) operand {
	o := dateSum{before: name == "dateSubtract"}
	if m.Value.Kind != source.Object {
		p.fail(m.Value.Span, CodeOperand, `write {"startDate": "%%now", "unit": "day", "amount": 1}`, "%q takes an object", m.Name)
		return nil
	}
	for i := range m.Value.Members {
		switch k := &m.Value.Members[i]; k.Name {
		case "startDate":
			o.start = p.operand(k.Value)
		case "amount":
			o.amount = p.operand(k.Value)
		case "unit":
			if _, known := dateUnits[k.Value.Str]; k.Value.Kind != source.String || !known {
				p.fail(k.Value.Span, CodeOperand, "it may be one of "+strings.Join(unitNames(), ", "), "this is no unit of time")
				return nil
			}
			o.unit = k.Value.Str
		default:
			p.fail(k.NameSpan, CodeOperand, "it has startDate, unit and amount", "unknown member %q of %q", k.Name, m.Name)
			return nil
		}
	}
	if p.failed {
		return nil
	}
	if o.start == nil || o.amount == nil || o.unit == "" {
		p.fail(m.Value.Span, CodeOperand, `write {"startDate": "%%now", "unit": "day", "amount": 1}`, "%q needs startDate, unit and amount", m.Name)
		return nil
	}
	for what, part := range map[string]operand{"startDate": o.start, "amount": o.amount} {
		c, literal := part.(constant)
		if !literal {
			continue
		}
		_, isDate := instant(c.value)
		_, isNumber := bsonval.Int64(c.value)
		if what == "startDate" && !isDate || what == "amount" && !isNumber {
			p.fail(m.Value.Span, CodeOperand, "", "the %s of %q is no date or whole number", what, m.Name)
			return nil
		}
	}
	return o
}

func unitNames() []string {
	names := make([]string, 0, len(dateUnits))
	for name := range dateUnits {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
