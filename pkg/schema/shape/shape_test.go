package shape_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

type garden struct {
	Season string            `json:"season" default:"spring" one_of:"spring,autumn" doc:"When it is planted."`
	Beds   []bed             `json:"beds" default:"" doc:"What grows in it."`
	Signs  map[string]string `json:"signs" default:"gate=beware" key_format:"token" format:"text" doc:"What the signs say."`
	Fence  struct {
		Height int     `json:"height" between:"1,300" doc:"Height in centimetres."`
		Slope  float64 `json:"slope" default:"0.5" between:"0,2" want:"a gentle slope" doc:"Height by depth."`
	} `json:"fence" doc:"What stands around it."`
	Owner string `json:"-"`
}

type bed struct {
	Plants []string `json:"plants" type:"set" default:"rose,oak" format:"label" referenceable:"true" len_min:"1" doc:"Plants in the bed."`
	Tag    string   `json:"tag" required:"true" len_max:"8" doc:"What the tag says."`
}

func TestReadDescribesTagsAndTypes(t *testing.T) {
	got, err := shape.Read(reflect.TypeFor[garden]())
	if err != nil {
		t.Fatal(err)
	}
	want := &shape.Field{Type: shape.Record, Required: true, Fields: []*shape.Field{
		{Name: "season", Type: shape.String, Doc: "When it is planted.", Required: true, Default: "spring", OneOf: []string{"spring", "autumn"}},
		{Name: "beds", Type: shape.Array, Doc: "What grows in it.", Required: true, Default: []string{}, Index: 1,
			Elem: &shape.Field{Type: shape.Record, Fields: []*shape.Field{
				{Name: "plants", Type: shape.Set, Doc: "Plants in the bed.", Required: true, Default: []string{"rose", "oak"}, LenMin: 1,
					Elem: &shape.Field{Type: shape.String, Format: "label", Referenceable: true}},
				{Name: "tag", Type: shape.String, Doc: "What the tag says.", Required: true, LenMax: 8, Index: 1},
			}}},
		{Name: "signs", Type: shape.Map, Doc: "What the signs say.", Required: true, Default: map[string]string{"gate": "beware"}, Index: 2,
			Key: &shape.Field{Type: shape.String, Format: "token"}, Elem: &shape.Field{Type: shape.String, Format: "text"}},
		{Name: "fence", Type: shape.Record, Doc: "What stands around it.", Required: true, Index: 3, Fields: []*shape.Field{
			{Name: "height", Type: shape.Integer, Doc: "Height in centimetres.", Between: &shape.Range{Min: 1, Max: 300}},
			{Name: "slope", Type: shape.Number, Doc: "Height by depth.", Required: true, Default: 0.5, Between: &shape.Range{Min: 0, Max: 2}, Want: "a gentle slope", Index: 1},
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
	if got.Field("beds") != got.Fields[1] || got.Field("moat") != nil {
		t.Errorf("Field finds %v and %v", got.Field("beds"), got.Field("moat"))
	}
}

func TestWalkVisitsParentsFirst(t *testing.T) {
	var paths []string
	shape.MustRead(reflect.TypeFor[garden]()).Walk(func(path string, _ *shape.Field) { paths = append(paths, path) })
	want := []string{"", "season", "beds", "beds[]", "beds[].plants", "beds[].plants[]", "beds[].tag", "signs", "fence", "fence.height", "fence.slope"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestReadRefusesWhatItCannotDescribe(t *testing.T) {
	for name, tc := range map[string]struct {
		of   any
		want string
	}{
		"no struct": {0, "expected a struct, got int"},
		"no doc": {struct {
			A string `json:"a"`
		}{}, "expected json and doc tags"},
		"unknown type": {struct {
			A float32 `json:"a" doc:"A number."`
		}{}, "expected a type that Kong's schema has, got float32"},
		"unknown type in a list": {struct {
			A []complex64 `json:"a" doc:"Numbers."`
		}{}, "expected a type that Kong's schema has, got complex64"},
		"map of numbers": {struct {
			A map[string]int `json:"a" doc:"Numbers."`
		}{}, "expected a type that Kong's schema has, got map[string]int"},
		"bounds upside down": {struct {
			A int `json:"a" doc:"A number." between:"2,1"`
		}{}, `expected between as min,max, got "2,1"`},
		"length of nothing": {struct {
			A string `json:"a" doc:"A text." len_min:"0"`
		}{}, `expected a positive len_min, got "0"`},
		"default of another type": {struct {
			A int `json:"a" doc:"A number." default:"many"`
		}{}, "invalid syntax"},
		"default of a number": {struct {
			A float64 `json:"a" doc:"A number." default:"much"`
		}{}, "invalid syntax"},
		"default of a map": {struct {
			A map[string]string `json:"a" doc:"A map." default:"k"`
		}{}, `expected a default of k=v pairs, got "k"`},
		"default of a record": {struct {
			A struct{} `json:"a" doc:"A record." default:"x"`
		}{}, `expected no default on a record, got "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := shape.Read(reflect.TypeOf(tc.of))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}
