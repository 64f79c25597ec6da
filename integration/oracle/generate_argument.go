package oracle

import "go.mongodb.org/mongo-driver/v2/bson"

func (u *updateMaker) argument(op string) any {
	if u.IntN(100) < u.wild {
		return u.Value(2)
	}
	number := func() any { return Pick(u.Generator, troubleNumbers...) }
	small := func() any {
		return Pick[any](u.Generator, int32(0), int32(1), int32(2), int64(-1), -2.0, int32(-5), int32(7), mustDecimal("1"))
	}
	switch op {
	case "$inc", "$mul":
		return number()
	case "$rename":
		return u.freePath(op)
	case "$currentDate":
		return Pick[any](u.Generator, true, false, bson.D{{Key: "$type", Value: "date"}}, bson.D{{Key: "$type", Value: "timestamp"}})
	case "$pop":
		return Pick[any](u.Generator, int32(1), int32(-1), 1.0, int64(-1), mustDecimal("1"))
	case "$pullAll":
		return u.values()
	case "$bit":
		ops := bson.D{}
		for range Pick(u.Generator, 1, 1, 2, 3) {
			ops = append(ops, bson.E{Key: Pick(u.Generator, "and", "or", "xor"), Value: Pick[any](u.Generator, int32(5), int32(-1), int64(6), int64(1)<<40, int32(0))})
		}
		return unique(ops)
	case "$push":
		if u.IntN(2) == 0 {
			return u.Operand()
		}
		each := bson.D{{Key: "$each", Value: u.values()}}
		if u.IntN(2) == 0 {
			each = append(each, bson.E{Key: "$position", Value: small()})
		}
		if u.IntN(3) == 0 {
			each = append(each, bson.E{Key: "$slice", Value: small()})
		}
		if u.IntN(2) == 0 {
			each = append(each, bson.E{Key: "$sort", Value: u.sort()})
		}
		u.Shuffle(len(each), func(i, j int) { each[i], each[j] = each[j], each[i] })
		return each
	case "$addToSet":
		if u.IntN(2) == 0 {
			return bson.D{{Key: "$each", Value: u.values()}}
		}
		return u.Operand()
	case "$pull":
		return u.pulled()
	}
	return u.Operand()
}

// pulled is a condition on elements: a value, operators, or a query on elements that are objects.
func (u *updateMaker) pulled() any {
	switch u.IntN(6) {
	case 0, 1:
		return u.anyCondition(u.Operand())
	case 2:
		return bson.D{{Key: u.Path(), Value: u.anyCondition(u.Operand())}}
	case 3:
		return bson.D{{Key: Pick(u.Generator, fieldNames...), Value: u.anyCondition(u.Operand())}}
	case 4:
		return u.Query(2, u.wild)
	}
	return u.Operand()
}

func (u *updateMaker) sort() any {
	if u.IntN(2) == 0 {
		return Pick[any](u.Generator, int32(1), int32(-1), 1.0)
	}
	keys := bson.D{}
	for range Pick(u.Generator, 1, 1, 2) {
		keys = append(keys, bson.E{Key: Pick(u.Generator, Pick(u.Generator, fieldNames...), u.Path()), Value: Pick[any](u.Generator, int32(1), int32(-1))})
	}
	return unique(keys)
}

func (u *updateMaker) values() bson.A {
	values := bson.A{}
	for range Pick(u.Generator, 0, 1, 1, 2, 3, 5) {
		values = append(values, u.Operand())
	}
	return values
}
