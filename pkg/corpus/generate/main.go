// Command generate writes the corpus: testdata/<family>.json from the cases in
// internal/family. With -keys it makes new signing keys first, which changes
// every token. go generate runs it in pkg/corpus.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"

	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/corpus/internal/family"
	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

const directory = "testdata"

func main() {
	log.SetFlags(0)
	newKeys := flag.Bool("keys", false, "make new signing keys")
	flag.Parse()
	keysFile := filepath.Join(directory, corpus.KeysFile)
	if *newKeys {
		if err := writeKeys(keysFile); err != nil {
			log.Fatal(err)
		}
	}
	if err := writeFamilies(keysFile); err != nil {
		log.Fatal(err)
	}
}

func writeFamilies(keysFile string) error {
	text, err := os.ReadFile(keysFile)
	if err != nil {
		return err
	}
	ring, err := forge.ReadRing(text)
	if err != nil {
		return err
	}
	for _, f := range family.All(ring) {
		text, err := f.Text()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(directory, f.Family+".json"), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func writeKeys(name string) error {
	keys, err := makeKeys()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(struct {
		About string       `json:"about"`
		Keys  []*forge.Key `json:"keys"`
	}{"Private keys of the corpus, as JWKs with a name. They are public: never trust one.", keys}); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}
