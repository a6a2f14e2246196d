package inquiry

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/paper"
	"kenshin/store"
)

// maxWorkbook is the largest workbook that is read back: ours have some ten kilobytes.
const maxWorkbook = 5 << 20

// Problem is why a workbook is not taken, with its place.
type Problem struct {
	Sheet string
	Row   int // as Excel counts; 0 where it is the sheet as a whole
	Text  i18n.Text
}

// Where is the place in words.
func (p Problem) Where() i18n.Text {
	if p.Row == 0 {
		return i18n.Text{Ja: "シート「" + p.Sheet + "」", En: "sheet " + p.Sheet}
	}
	return i18n.Text{Ja: fmt.Sprintf("シート「%s」%d行目", p.Sheet, p.Row), En: fmt.Sprintf("sheet %s, row %d", p.Sheet, p.Row)}
}

// Difference is one item that a workbook would change.
type Difference struct {
	Item          catalogue.Item
	Before, After Answer
}

// Preview is what a workbook would do. With Problems it can not be taken.
type Preview struct {
	Inquiry     Inquiry
	Staged      string // names the workbook for TakeWorkbook
	File        string
	By, Company string
	Problems    []Problem
	Changes     []Difference
	Same        int
	Old         bool   // answers were saved after this workbook was made
	Lacks       string // why it could not be sent in as it is; it is then kept as a draft
}

const maxProblems = 30

// reading gathers what a sheet says.
type reading struct {
	sheet    string
	mark     []string // of markPrefix, id, revision, digest
	fill     Filling
	rows     map[string]int // item -> row
	problems []Problem
	items    map[string]catalogue.Item
	head     bool
}

func (r *reading) wrong(row int, ja, en string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{r.sheet, row, i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)}})
	}
}

func (r *reading) failed(row int, err error) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{r.sheet, row, i18n.Text{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")}})
	}
}

// readWorkbook reads the answers of a workbook. The error is about the file as a whole; what is wrong inside stands in problems.
func readWorkbook(src io.ReaderAt, size int64, name string, items []catalogue.Item) (*reading, error) {
	if size > maxWorkbook {
		return nil, fault.Newf(fault.TooLarge, "回答票のファイルは%d MBまでです。", "A workbook of answers has at most %d MB.", maxWorkbook>>20)
	}
	book, err := paper.Open(src, size, name)
	if err != nil {
		return nil, err
	}
	if book.Format != paper.XLSX {
		return nil, fault.New(fault.Invalid, "Excelの回答票(.xlsx)を選んでください。", "Choose the workbook of answers (.xlsx).")
	}
	for _, s := range book.Sheets() {
		r := &reading{sheet: s.Name, fill: Filling{Answers: map[string]Answer{}}, rows: map[string]int{}, items: map[string]catalogue.Item{}}
		for _, i := range items {
			r.items[i.ID] = i
		}
		if err := s.Rows(r.row); err != nil {
			return nil, err
		}
		if r.mark == nil {
			continue
		}
		areas, err := s.Merges()
		if err != nil {
			return nil, err
		}
		r.merged(areas)
		r.missing(items)
		return r, nil
	}
	return nil, fault.New(fault.Invalid, "このファイルは、ここから出した回答票ではありません（「"+markPrefix+"」の行が見つかりません）。回答票を書き出し直して、それに書いてもらってください。",
		"This is no workbook of answers made here (its mark is missing). Export one and have it filled in.")
}

func (r *reading) row(row paper.Row) error {
	id := jp.Clean(row.Text(colID))
	value := first(row.Text(2), row.Text(1))
	switch {
	case strings.HasPrefix(id, markPrefix) && r.mark == nil:
		r.mark = strings.Fields(id)
	case id == answerHeads[colID]:
		r.head = true
	case !r.head && id == labelCompany:
		r.fill.Company = value
	case !r.head && id == labelBy:
		r.fill.By = value
	case !r.head && id == labelRemark:
		r.fill.Note = value
	case r.items[id].ID != "":
		r.answer(id, row)
	case r.head && (id != "" || row.Text(colReply) != ""):
		if id == "" {
			r.wrong(row.Number, "項目IDが消えています。どの問いの答えか分かりません。", "The item id is gone: nobody knows which question this answers.")
		} else {
			r.wrong(row.Number, "項目ID「%.40s」は、この点検表にありません。", "There is no item %.40q in this form.", id)
		}
	}
	return nil
}

func (r *reading) answer(id string, row paper.Row) {
	if was, twice := r.rows[id]; twice {
		r.wrong(row.Number, "項目ID「%s」が%d行目にもあります。どちらが正しいか分からないので、片方を消してください。", "Item %s stands in row %d, too. Remove one of them.", id, was)
		return
	}
	r.rows[id] = row.Number
	for _, c := range []int{colReply, colOn, colTarget, colNote} {
		if c < len(row.Cells) && row.Cells[c].Kind == paper.Error {
			r.wrong(row.Number, "%sの列が%sになっています。値を入れ直してください。", "Column %s holds %s. Enter a value.", paper.ColumnName(c), row.Cells[c].Text)
			return
		}
	}
	i := r.items[id]
	a := Answer{On: row.Text(colOn), Target: row.Text(colTarget), Note: row.Text(colNote)}
	if text := jp.Clean(row.Text(colReply)); text != "" && !a.read(i, text) {
		r.wrong(row.Number, "答え「%.40s」は選択肢にありません。%sから選んでください。", "The answer %.40q is none of the choices (%s).", text, choiceList(i))
		return
	}
	r.fill.Answers[id] = a
}

func choiceList(i catalogue.Item) string {
	var out []string
	for _, c := range Choices(i) {
		out = append(out, "「"+c.Ja+"」")
	}
	return strings.Join(out, "")
}

// read takes an answer in words, in any width of its characters.
func (a *Answer) read(i catalogue.Item, text string) bool {
	find := func(text string) int {
		return slices.IndexFunc(Choices(i), func(c i18n.Text) bool { return jp.Fold(c.Ja) == jp.Fold(text) || strings.EqualFold(c.En, text) })
	}
	switch i.Answer.Kind {
	case catalogue.YesNo:
		n := find(text)
		if n < 0 {
			return false
		}
		a.Reply = catalogue.Replies()[n]
	case catalogue.Choice:
		n := find(text)
		if n < 0 {
			return false
		}
		a.Value = strconv.Itoa(n)
	case catalogue.Many:
		for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '、' || r == ',' || r == '，' }) {
			n := find(strings.TrimSpace(part))
			if n < 0 {
				return false
			}
			a.Many = append(a.Many, n)
		}
	case catalogue.Quantity:
		a.Value = strings.TrimSuffix(text, i.Answer.Unit.Ja)
	case catalogue.Words, catalogue.Day:
		a.Value = text
	}
	return true
}

// merged refuses merged cells among the answers: one value would count for several questions. It names the first row that an area covers.
func (r *reading) merged(areas []paper.Area) {
	items := slices.SortedFunc(maps.Keys(r.rows), func(a, b string) int { return r.rows[a] - r.rows[b] })
	for _, a := range areas {
		if a.Bottom == a.Top && (a.Left == a.Right || a.Right < colReply) {
			continue
		}
		n := slices.IndexFunc(items, func(id string) bool { return r.rows[id] >= a.Top && r.rows[id] <= a.Bottom })
		if n >= 0 {
			r.wrong(r.rows[items[n]], "セルが結合されています（%s:%s、項目%s）。結合を解いて、項目ごとに答えを書いてください。", "Cells are merged (%s:%s, item %s). Unmerge them and answer each item.",
				paper.Ref(a.Left, a.Top), paper.Ref(a.Right, a.Bottom), items[n])
		}
	}
}

func (r *reading) missing(items []catalogue.Item) {
	var gone []string
	for _, i := range items {
		if r.rows[i.ID] == 0 {
			gone = append(gone, ItemName(i).Ja)
		}
	}
	if len(gone) > 0 {
		r.wrong(0, "%d項目の行が消えています: 「%s」ほか。消す前の回答票に書き写すか、書き出し直してください。", "The rows of %d items are gone: %q and others. Export the workbook anew.", len(gone), gone[0])
	}
}

// ReadWorkbook looks at a workbook that came back for an inquiry. Nothing changes; TakeWorkbook takes it.
func (b *Book) ReadWorkbook(ctx context.Context, f facility.ID, id string, src io.ReaderAt, size int64, name string) (p Preview, err error) {
	i, err := b.Get(ctx, f, id)
	if err != nil {
		return p, err
	}
	if i.Kind != Vendor || i.State != Waiting && i.State != Answered {
		return p, fault.New(fault.Conflict, "この依頼は終わっているので、回答票を取り込めません。", "This inquiry is over: no workbook can be read in.")
	}
	c, items, err := b.Items(ctx, i)
	if err != nil {
		return p, err
	}
	now, _, err := b.local(ctx, f)
	if err != nil {
		return p, err
	}
	r, err := readWorkbook(src, size, name, items)
	if err != nil {
		return p, err
	}
	p = Preview{Inquiry: i, File: jp.Clean(name)}
	if len([]rune(p.File)) > maxName {
		p.File = string([]rune(p.File)[:maxName])
	}
	revision := b.whose(ctx, f, i, r)
	r.tidy(c, items, now)
	p.By, p.Company, p.Problems = r.fill.By, r.fill.Company, r.problems
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		s, err := sheet(ctx, tx, i.ID, mainSheet)
		if err != nil {
			return err
		}
		p.compare(items, s, r.fill, revision)
		if len(p.Problems) > 0 {
			return nil
		}
		full := r.fill
		full.Answers = map[string]Answer{}
		for k, a := range r.fill.Answers {
			full.Answers[k] = a
		}
		if err := full.lacking(Vendor, true, items, now); err != nil {
			p.Lacks = fault.Sentence(err, "ja")
		}
		return b.stage(ctx, tx, &p, s.Revision, r.fill)
	})
	return p, err
}

func (b *Book) stage(ctx context.Context, tx *store.Tx, p *Preview, base int64, fill Filling) error {
	if _, err := tx.Exec(ctx, "DELETE FROM inquiry_sheets WHERE facility_id = $1 AND inquiry_id = $2 AND state = 'staged'", p.Inquiry.ID); err != nil {
		return err
	}
	staged := Sheet{ID: store.NewID(), Inquiry: p.Inquiry.ID, State: Staged, Filling: fill}
	staged.File, staged.Base = p.File, base
	p.Staged = staged.ID
	return staged.put(ctx, tx, b.stamp())
}

// whose checks that the workbook is this inquiry's, and returns the revision that it was made from.
func (b *Book) whose(ctx context.Context, f facility.ID, i Inquiry, r *reading) (revision int64) {
	if len(r.mark) != 4 && len(r.mark) != 3 {
		r.wrong(0, "控えの行（%s）が書き換えられています。書き出し直してください。", "The mark (%s) was changed. Export the workbook anew.", markPrefix)
		return 0
	}
	if r.mark[1] != i.ID {
		other, err := b.Get(ctx, f, r.mark[1])
		if err == nil {
			r.wrong(0, "これは「%s」（%s）の回答票です。「%s」のものではありません。", "This is the workbook of %s (%s), not of %s.", other.SubjectName, other.VendorName, i.SubjectName)
		} else {
			r.wrong(0, "これは別の依頼の回答票です。「%s」のものではありません。", "This is another inquiry's workbook, not that of %s.", i.SubjectName)
		}
		return 0
	}
	revision, err := strconv.ParseInt(r.mark[2], 10, 64)
	if err != nil || revision < 0 {
		r.wrong(0, "控えの行（%s）が書き換えられています。書き出し直してください。", "The mark (%s) was changed. Export the workbook anew.", markPrefix)
	}
	return revision
}

// tidy checks every answer, with the row of what is wrong.
func (r *reading) tidy(c catalogue.Catalogue, items []catalogue.Item, now time.Time) {
	for _, i := range items {
		a, ok := r.fill.Answers[i.ID]
		if !ok {
			continue
		}
		if err := a.tidy(c, i, now); err != nil {
			r.failed(r.rows[i.ID], err)
			continue
		}
		r.fill.Answers[i.ID] = a
	}
	whole := r.fill
	whole.Answers = nil
	if err := whole.tidy(c, nil, now); err != nil {
		r.failed(0, err)
	}
	r.fill.By, r.fill.Company, r.fill.Note = whole.By, whole.Company, whole.Note
	for id, a := range r.fill.Answers {
		if a.Empty() && a.Note == "" && a.On == "" && a.Target == "" {
			delete(r.fill.Answers, id)
		}
	}
}

func (p *Preview) compare(items []catalogue.Item, now Sheet, then Filling, revision int64) {
	p.Changes, p.Same = nil, 0
	p.Old = now.Revision > revision
	for _, i := range items {
		before, after := now.Answers[i.ID], then.Answers[i.ID]
		before.Copied = ""
		if before.Reply == after.Reply && before.Value == after.Value && before.On == after.On && before.Target == after.Target && before.Note == after.Note && slices.Equal(before.Many, after.Many) {
			p.Same++
			continue
		}
		p.Changes = append(p.Changes, Difference{i, before, after})
	}
}

// TakeWorkbook takes over what ReadWorkbook staged, as the vendor's answer; what is not complete becomes a draft. over says that answers saved after the
// workbook was made may be replaced.
func (b *Book) TakeWorkbook(ctx context.Context, f facility.ID, id, staged string, over bool) (out Inquiry, err error) {
	now, _, err := b.local(ctx, f)
	if err != nil {
		return out, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		i, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		from, err := sheet(ctx, tx, id, staged)
		if err != nil {
			return err
		}
		s, err := sheet(ctx, tx, id, mainSheet)
		if err != nil {
			return err
		}
		_, items, err := b.Items(ctx, i)
		switch {
		case err != nil:
			return err
		case from.State != Staged || from.Revision == 0:
			return fault.New(fault.NotFound, "この回答票は、もう取り込まれたか、新しいものに替わりました。もう一度選んでください。", "This workbook was taken in already, or replaced. Choose it again.")
		case i.State != Waiting && i.State != Answered:
			return fault.New(fault.Conflict, "この依頼は終わっているので、回答票を取り込めません。", "This inquiry is over: no workbook can be read in.")
		case s.Revision != from.Base:
			return fault.New(fault.Conflict, "見ている間に、リンクから回答が保存されました。もう一度ファイルを選んで、違いを確かめてください。", "Answers were saved by the link meanwhile. Choose the file again and look at the differences.")
		case s.Revision > 0 && len(s.Answers) > 0 && !over:
			return fault.New(fault.Conflict, "いまある回答が置き換わります。違いを確かめて、「置き換える」に印を付けてください。", "Existing answers would be replaced. Look at the differences and tick the box.")
		}
		s.Filling, s.State = from.Filling, Draft
		if s.lacking(Vendor, true, items, now) == nil {
			s.State, i.State, i.Answered = Sent, Answered, b.stamp()
		}
		if err := s.put(ctx, tx, b.stamp()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM inquiry_sheets WHERE facility_id = $1 AND inquiry_id = $2 AND state = 'staged'", id); err != nil {
			return err
		}
		if err := i.put(ctx, tx); err != nil {
			return err
		}
		out = i
		if err := b.note(ctx, tx, id, "imported", actor.From(ctx).Name, from.File, s.Answers); err != nil {
			return err
		}
		return b.trail(ctx, tx, "inquiry.import", id, i18n.Text{Ja: "Excelの回答票を読み込みました（" + i.VendorName + "・" + i.SubjectName + "）", En: "Read a workbook of answers in (" + i.VendorName + ", " + i.SubjectName + ")"})
	})
	return out, err
}
