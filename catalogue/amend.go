package catalogue

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// Amendment is what a person who has seen the official text corrects in one item. Own items have neither number nor confidences.
type Amendment struct {
	Title     i18n.Text
	Number    string
	Wording   Confidence
	Numbering Confidence // of Number
	Source    string     // where it was seen
}

// Amended is how an item stands now, as an amendment.
func (i Item) Amended() Amendment {
	return Amendment{Title: i.Title, Number: i.Number, Wording: i.Wording, Numbering: i.Numbering, Source: i.Source}
}

// Amend makes the file with a corrected item, checked like a loaded one, for Keep. seen is the digest of the version that the person looked at: when another is in force by now, nothing
// is overwritten and the error is a Conflict. Comments and all other items of the file stay.
func (e *Editions) Amend(ctx context.Context, id, seen, item string, a Amendment) (File, error) {
	set, err := e.Set(ctx)
	if err != nil {
		return File{}, err
	}
	c, ok := set.Find(id)
	if !ok {
		return File{}, fault.New(fault.NotFound, "「"+id+"」という表はありません。", "there is no catalogue “"+id+"”")
	}
	if c.SHA256 != seen {
		return File{}, fault.New(fault.Conflict, "ほかの人が先にこの表を変えました。いまの内容を見て、もう一度直してください。", "somebody else changed this catalogue first; look at it as it is now and correct it again")
	}
	old, err := e.File(ctx, id, seen)
	if err != nil {
		return File{}, err
	}
	raw, err := amend(old.raw, item, a)
	if err != nil {
		return File{}, err
	}
	f, err := e.Read(ctx, id+".yaml", bytes.NewReader(raw))
	f.Note = i18n.Text{Ja: "画面で「" + item + "」を直した", En: "corrected " + item + " on the screen"}
	return f, err
}

func amend(raw []byte, item string, a Amendment) ([]byte, error) {
	text, _, err := jp.Decode(raw)
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil || len(root.Content) == 0 {
		return nil, fmt.Errorf("read the catalogue again: %w", err)
	}
	items := child(root.Content[0], "items")
	if items == nil {
		return nil, fmt.Errorf("the catalogue has no items")
	}
	n := slices.IndexFunc(items.Content, func(n *yaml.Node) bool {
		id := child(n, "id")
		return id != nil && id.Value == item
	})
	if n < 0 {
		return nil, fault.New(fault.NotFound, "「"+item+"」という質問はこの表にありません。", "this catalogue has no item “"+item+"”")
	}
	at := items.Content[n]
	title := child(at, "title")
	if title == nil {
		title = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "title"}, title)
	}
	put(title, "ja", a.Title.Ja)
	put(title, "en", a.Title.En)
	put(at, "number", a.Number)
	put(at, "wording", string(a.Wording))
	put(at, "numbering", string(a.Numbering))
	put(at, "source", a.Source)
	var out bytes.Buffer
	w := yaml.NewEncoder(&out)
	w.SetIndent(2)
	if err := w.Encode(&root); err != nil {
		return nil, fmt.Errorf("write the catalogue: %w", err)
	}
	return out.Bytes(), w.Close()
}

// put sets a field of a group, or takes it out where there is nothing to say.
func put(group *yaml.Node, field, value string) {
	at := 0
	for at+1 < len(group.Content) && group.Content[at].Value != field {
		at += 2
	}
	found := at+1 < len(group.Content)
	switch {
	case value == "" && found:
		group.Content = slices.Delete(group.Content, at, at+2)
	case value == "":
	case found && group.Content[at+1].Value == value: // as it was written, with its quotes
	case found:
		group.Content[at+1] = scalar(value)
	default:
		group.Content = append(group.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: field}, scalar(value))
	}
}

func scalar(value string) *yaml.Node {
	var n yaml.Node
	n.SetString(value)
	n.Style = yaml.DoubleQuotedStyle // a person's text may look like anything
	return &n
}
