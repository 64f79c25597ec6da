package proxy

import (
	"bytes"
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

// pageThere lets the database cut, sort and page documents whose order follows from what the user sees of them, where a
// plain query cannot: it knows the stored documents only. It reports false when the page has to be made here.
//
// Documents that compare alike but are not the same, as {n: 1} and {n: 1.0} are, come from the database in an order that
// may follow what is hidden. So one more is read on each side of the page, and where an edge of it goes through a run of
// such documents the page is not used.
func (s *session) pageThere(ctx context.Context, v viewRead, r *reading, f func(stored, view bson.Raw) error) (done bool, err error) {
	segments := s.pageSegments(v, r.plan)
	if v.limit == 0 || len(segments) == 0 {
		return false, nil
	}
	features, err := s.p.Store.Features(ctx, s.ns)
	if err != nil {
		return false, s.storeError(err)
	}
	if !features.Computed || (len(segments) > 1 && !features.UnionWith) {
		return false, nil
	}
	before := min(v.skip, 1)
	var window []bson.Raw
	if skip := v.skip - before; skip > 0 {
		window = append(window, stage("$skip", skip))
	}
	window = append(window, limitStage(v.limit+before+1))
	stages := append(cutStages(s.ns.Collection, segments), byItself(v.sort, window...)...)

	var page []bson.Raw
	size := int64(0)
	for doc, err := range s.p.Store.Aggregate(ctx, s.ns, AggregateQuery{Stages: stages}) {
		if err != nil {
			return false, s.storeError(err)
		}
		if size += int64(len(doc)); size > s.p.Limits.Memory {
			return false, nil
		}
		r.fetched++
		page = append(page, bytes.Clone(doc))
	}
	var edges [][2]bson.Raw
	if before > 0 {
		if len(page) > 1 {
			edges = append(edges, [2]bson.Raw{page[0], page[1]})
		}
		page = page[min(1, len(page)):]
	}
	if n := int(v.limit); len(page) > n {
		edges = append(edges, [2]bson.Raw{page[n-1], page[n]})
		page = page[:n]
	}
	for _, e := range edges {
		if torn, err := s.torn(ctx, v.sort, segments, e[0], e[1]); torn || err != nil {
			return false, err
		}
	}
	slices.SortFunc(page, s.order(v.sort))
	for _, doc := range page {
		r.returned++
		if err := f(nil, doc); err != nil {
			return true, err
		}
	}
	return true, nil
}

// pageSegments are the segments of the view that a database which can compute fields could page, if it could.
func (s *session) pageSegments(v viewRead, p readPlan) []rules.Segment {
	if !p.exact() || v.forDecision || (v.sort != nil && !cannotFail(v.sort)) {
		return nil
	}
	segments, exact, why := s.view().Segments(v.raw, v.filter)
	if why != nil || !exact {
		return nil
	}
	return segments
}
