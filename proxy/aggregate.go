package proxy

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Aggregate refuses every pipeline.
func (p *Proxy) Aggregate(context.Context, Caller, Aggregate, func(bson.Raw) error) error {
	return &Error{Kind: Unsupported, Message: "aggregation is not available"}
}
