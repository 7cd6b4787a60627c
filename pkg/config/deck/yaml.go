package deck

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxAliases bounds how many aliases are followed to one node.
const maxAliases = 32

// resolve returns the node that a document or an alias stands for, nil for none.
func resolve(node *yaml.Node) *yaml.Node {
	for range maxAliases {
		switch {
		case node == nil:
			return nil
		case node.Kind == yaml.DocumentNode:
			if len(node.Content) == 0 {
				return nil
			}
			node = node.Content[0]
		case node.Kind == yaml.AliasNode:
			node = node.Alias
		default:
			return node
		}
	}
	return nil
}

// member returns the value under a key of a mapping, nil for none. A key that
// comes with a merge (<<) counts where the mapping has none of its own.
func member(node *yaml.Node, key string) *yaml.Node { return memberWithin(node, key, maxAliases) }

func memberWithin(node *yaml.Node, key string, depth int) *yaml.Node {
	node = resolve(node)
	if node == nil || node.Kind != yaml.MappingNode || depth == 0 {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return resolve(node.Content[i+1])
		}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Tag != "!!merge" {
			continue
		}
		from := []*yaml.Node{node.Content[i+1]}
		if merged := resolve(node.Content[i+1]); merged != nil && merged.Kind == yaml.SequenceNode {
			from = merged.Content
		}
		for _, merged := range from {
			if v := memberWithin(merged, key, depth-1); v != nil {
				return v
			}
		}
	}
	return nil
}

// list returns the elements of a sequence, nil for anything else.
func list(node *yaml.Node) []*yaml.Node {
	node = resolve(node)
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// descend follows a path such as "issuers[0].audiences" from a node. It stops
// at the deepest node that is there and returns it with the number of steps.
// A map's keys may hold dots; they are followed when nothing shorter fits.
func descend(node *yaml.Node, path string) (*yaml.Node, int) {
	steps := 0
	for path != "" {
		next, rest := step(node, path)
		if next == nil {
			break
		}
		node, path = next, rest
		steps++
	}
	return node, steps
}

func step(node *yaml.Node, path string) (next *yaml.Node, rest string) {
	if strings.HasPrefix(path, "[") {
		index, rest, _ := strings.Cut(path[1:], "]")
		i, err := strconv.Atoi(index)
		if elements := list(node); err == nil && i >= 0 && i < len(elements) {
			return resolve(elements[i]), strings.TrimPrefix(rest, ".")
		}
		return nil, ""
	}
	if v := member(node, path); v != nil {
		return v, ""
	}
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		return nil, ""
	}
	return member(node, path[:end]), strings.TrimPrefix(path[end:], ".")
}
