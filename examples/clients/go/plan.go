package main

import (
	"fmt"
	"math"

	"example.org/logah/predict/logahv1"
)

const elementBytes = 4

// checkPlan returns an error unless every parameter of the network is sent whole and dense, in float32 and without
// gaps, or tied to one that is, and unless sizes, offsets and sums agree.
func checkPlan(plan *logahv1.Plan) error {
	if plan.GetDtype() != logahv1.DataType_DATA_TYPE_FLOAT32 {
		return fmt.Errorf("plan: dtype is %v, expected DATA_TYPE_FLOAT32", plan.GetDtype())
	}
	byName := make(map[string]*logahv1.TensorPlan, len(plan.GetTensors()))
	var offset, parameters, tied uint64
	for _, tensor := range plan.GetTensors() {
		name := tensor.GetName()
		if _, known := byName[name]; known || name == "__metadata__" {
			return fmt.Errorf("plan: tensor %q: name not allowed, or repeated", name)
		}
		byName[name] = tensor
		elements, ok := countElements(tensor.GetShape())
		if !ok {
			return fmt.Errorf("plan: tensor %q: a negative size, or too many elements", name)
		}
		if isTied(tensor) {
			if tensor.GetSent() || tensor.GetBytes() != 0 {
				return fmt.Errorf("plan: tensor %q: tied, and sent all the same", name)
			}
			tied += elements
			continue
		}
		if err := checkSent(tensor, elements, offset); err != nil {
			return fmt.Errorf("plan: tensor %q: %w", name, err)
		}
		offset += tensor.GetBytes()
		parameters += elements
	}
	for _, tensor := range plan.GetTensors() {
		holder := byName[tensor.GetTiedTo()]
		if isTied(tensor) && (holder == nil || isTied(holder) || !same(tensor.GetShape(), holder.GetShape())) {
			return fmt.Errorf("plan: tensor %q: tied to no tensor of its shape", tensor.GetName())
		}
	}
	coverage := plan.GetCoverage()
	for _, sum := range []struct {
		what               string
		received, expected uint64
	}{
		{"total_bytes", plan.GetTotalBytes(), offset},
		{"coverage.parameters", coverage.GetParameters(), parameters},
		{"coverage.tied", coverage.GetTied(), tied},
		{
			"sum of predicted, tiled and initialized",
			coverage.GetPredicted() + coverage.GetTiled() + coverage.GetInitialized(),
			parameters,
		},
	} {
		if sum.received != sum.expected {
			return fmt.Errorf("plan: %s is %d, expected %d", sum.what, sum.received, sum.expected)
		}
	}
	return nil
}

func checkSent(tensor *logahv1.TensorPlan, elements, offset uint64) error {
	switch {
	case !tensor.GetSent() || !same(tensor.GetSentShape(), tensor.GetShape()):
		return fmt.Errorf("not sent, or only in part")
	case len(tensor.GetFactors()) > 0:
		return fmt.Errorf("sent as factors, which were not asked for")
	case tensor.GetBytes() != elements*elementBytes:
		return fmt.Errorf("bytes are %d, which do not fit the shape %v", tensor.GetBytes(), tensor.GetShape())
	case tensor.GetOffset() != offset:
		return fmt.Errorf("begins at %d, the one before ends at %d", tensor.GetOffset(), offset)
	case tensor.GetPredictedElements()+tensor.GetInitializedElements() != elements:
		return fmt.Errorf("elements of unknown origin")
	}
	return nil
}

func isTied(tensor *logahv1.TensorPlan) bool {
	return tensor.GetSource() == logahv1.Source_SOURCE_TIED
}

// countElements is false where a size is negative, or the bytes could not be counted. A scalar, without dimensions, has
// one element.
func countElements(shape []int64) (uint64, bool) {
	elements := int64(1)
	for _, size := range shape {
		if size < 0 || elements > 0 && size > math.MaxInt64/elementBytes/elements {
			return 0, false
		}
		elements *= size
	}
	return uint64(elements), true
}

func same(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
