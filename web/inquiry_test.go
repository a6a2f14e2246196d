package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/assess/inquiry"
	"kenshin/catalogue"
	"kenshin/ledger"
	"kenshin/supplier"
)

// vendorHouse is a hospital with two systems of one vendor, and an address of the pages.
func (c *console) vendorHouse() (systems []string) {
	c.t.Helper()
	ctx := c.as(actor.Admin)
	v, err := c.Suppliers.Save(ctx, c.f, supplier.Supplier{Name: "㈱髙﨑システム", Contacts: []supplier.Contact{{Name: "保守窓口", Mail: "hoshu@takasaki.example.jp"}}})
	c.must(err)
	for _, name := range []string{"電子カルテ", "PACS"} {
		s, err := c.Ledger.SaveSystem(ctx, c.f, ledger.System{Name: name, VendorID: v.ID, Department: "情報システム室"})
		c.must(err)
		systems = append(systems, s.ID)
	}
	c.must(c.Inquiries.SaveSettings(ctx, c.f, inquiry.Settings{Base: "https://kaitou.example.jp", Contact: "情報システム室 佐藤", Days: 60, Weeks: 4, Remind: []int{7}}))
	return systems
}

// link is a token on a page of letters.
func link(body string) string {
	_, rest, ok := strings.Cut(body, "https://kaitou.example.jp/f/")
	if !ok || len(rest) < 32 {
		return ""
	}
	return rest[:32]
}

func TestVendorsAreAskedAndTakenIn(t *testing.T) {
	c := openConsole(t)
	c.vendorHouse()
	if a := c.get(actor.Admin, "/inquiries"); a.Code != 200 || !strings.Contains(a.Body.String(), "まだの業者すべてに頼む（2システム）") {
		t.Fatalf("the list: %d", a.Code)
	}
	if a := c.get(actor.Auditor, "/inquiries"); strings.Contains(a.Body.String(), "/inquiries/ask") {
		t.Error("an auditor is offered to ask")
	}
	a := c.post(actor.Admin, "/inquiries/ask", "all", "1", "due", "")
	token := link(a.Body.String())
	if a.Code != 200 || token == "" || strings.Count(a.Body.String(), "https://kaitou.example.jp/f/") < 4 || !strings.Contains(a.Body.String(), "写して送ってください") {
		t.Fatalf("asking all: %d", a.Code)
	}
	if strings.Contains(c.get(actor.Admin, "/inquiries").Body.String(), token) {
		t.Error("a link is shown twice")
	}
	door, err := c.Inquiries.Open(t.Context(), token)
	c.must(err)
	id := door.Inquiry.ID
	_, items, err := c.Inquiries.Items(t.Context(), door.Inquiry)
	c.must(err)
	answers := map[string]inquiry.Answer{}
	for _, i := range items {
		answers[i.ID] = inquiry.Answer{Reply: catalogue.Yes, Note: "点検済み"}
	}
	_, err = c.Inquiries.Save(t.Context(), token, inquiry.Saving{Sheet: "1", Submit: true, Filling: inquiry.Filling{Answers: answers, By: "髙﨑 一郎", Company: "㈱髙﨑システム"}})
	c.must(err)
	page := c.get(actor.Director, "/inquiries/"+id)
	if body := page.Body.String(); page.Code != 200 || !strings.Contains(body, "点検済み") || !strings.Contains(body, "髙﨑 一郎") || strings.Contains(body, "/take") {
		t.Errorf("the answers for a director: %d", page.Code)
	}
	i, err := c.Inquiries.Get(c.as(actor.Admin), c.f, id)
	c.must(err)
	if a := c.post(actor.Admin, "/inquiries/"+id+"/take", "revision", "1"); a.Code != http.StatusConflict {
		t.Errorf("taking in an old page: %d", a.Code)
	}
	if a := c.post(actor.Admin, "/inquiries/"+id+"/return", "reason", ""); a.Code != http.StatusUnprocessableEntity {
		t.Errorf("giving back without a word: %d", a.Code)
	}
	if a := c.post(actor.Admin, "/inquiries/"+id+"/take", "revision", strconv.FormatInt(i.Revision, 10)); a.Code != http.StatusSeeOther {
		t.Errorf("taking in: %d %s", a.Code, a.Body.String())
	}
	if !strings.Contains(c.get(actor.Admin, "/inquiries").Body.String(), "取り込み済み") {
		t.Error("the list does not know")
	}
}

func TestAWorkbookByTheConsole(t *testing.T) {
	c := openConsole(t)
	systems := c.vendorHouse()
	a := c.post(actor.Admin, "/inquiries/ask", "system", systems[0])
	door, err := c.Inquiries.Open(t.Context(), link(a.Body.String()))
	c.must(err)
	path := "/inquiries/" + door.Inquiry.ID + "/workbook"
	book := c.get(actor.Admin, path)
	if book.Code != 200 || !bytes.HasPrefix(book.Body.Bytes(), []byte("PK")) {
		t.Fatalf("the workbook: %d", book.Code)
	}
	if a := c.upload(actor.Admin, path, "回答票.xlsx", book.Body.Bytes()); a.Code != 200 || !strings.Contains(a.Body.String(), "下見") || !strings.Contains(a.Body.String(), "workbook/take") {
		t.Errorf("its preview: %d", a.Code)
	}
	if a := c.upload(actor.Admin, path, "x.xlsx", []byte("no workbook")); a.Code != http.StatusUnprocessableEntity {
		t.Errorf("no workbook: %d", a.Code)
	}
	if a := c.post(actor.Admin, path+"/take", "staged", "nothing"); a.Code != http.StatusNotFound && a.Code != http.StatusConflict {
		t.Errorf("taking over nothing: %d", a.Code)
	}
}

func TestInquiriesInChromium(t *testing.T) {
	c := openConsole(t)
	c.vendorHouse()
	tab, address := c.browse(t, actor.Admin)
	tab.Viewport(1366, 768)
	tab.Go(address + "/inquiries")
	tab.Axe("inquiries")
	tab.Screenshot("inquiries")
	tab.Click(`button[name=all]`)
	tab.Wait(`document.querySelector("textarea[readonly]") != null`)
	tab.Axe("letters")
	tab.Full("letters")
	list, _, err := c.Inquiries.List(c.as(actor.Admin), c.f, inquiry.Filter{Kind: inquiry.Vendor})
	c.must(err)
	tab.Go(address + "/inquiries/" + list[0].ID)
	tab.Axe("inquiry")
	tab.Full("inquiry")
	tab.Go(address + "/inquiries/settings")
	tab.Axe("settings")
	tab.Screenshot("inquiry-settings")
	tab.Go(address + "/surveys/new?catalogue=visit-23")
	tab.Axe("a new survey")
	tab.Screenshot("survey-new")
	tab.Click(`input[name=named][value=yes]`)
	tab.Click(`.actions .btn`)
	tab.Wait(`document.querySelector("textarea[readonly]") != null`)
	surveys, err := c.Inquiries.Surveys(c.as(actor.Admin), c.f)
	c.must(err)
	asked, _, err := c.Inquiries.List(c.as(actor.Admin), c.f, inquiry.Filter{Survey: surveys[0].ID})
	c.must(err)
	l, err := c.Inquiries.Remind(c.as(actor.Admin), c.f, asked[0].ID, c.Now().AddDate(0, 0, 7))
	c.must(err)
	token := link(l.Links[0].Address)
	sheet, err := c.Inquiries.Begin(t.Context(), token)
	c.must(err)
	_, err = c.Inquiries.Save(t.Context(), token, inquiry.Saving{Sheet: sheet, Submit: true, Filling: inquiry.Filling{By: "田中", Answers: map[string]inquiry.Answer{"visit.place.beds": {Value: "120"}, "visit.place.owner": {Value: "2"}}}})
	c.must(err)
	tab.Go(address + "/surveys")
	tab.Axe("surveys")
	tab.Go(address + "/surveys/" + surveys[0].ID)
	tab.Axe("survey")
	tab.Full("survey")
	tab.Go(address + "/inquiries/" + asked[0].ID + "/visit")
	tab.Wait(`document.body.textContent.includes("120床")`)
	tab.Axe("visit sheet")
	tab.Full("visit")
	tab.Type(`textarea[name="note.visit.place.beds"]`, "実際は98床で運用")
	tab.Click(`form .actions .btn`)
	tab.Wait(`document.querySelector('textarea[name="note.visit.place.beds"]').value == "実際は98床で運用" && document.querySelector(".flash") != null`)
	tab.PrintPDF("visit")
}
