// The primitives: what attackers wrote stays text, everything opens by keyboard, every field is named.
import { fireEvent, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { draw } from "@/test/draw";
import {
  ActionBadge,
  type Columns,
  Dialog,
  Evidence,
  Field,
  FilterBar,
  Foreign,
  Input,
  KeyValue,
  LevelBadge,
  Loaded,
  Table,
  Tabs,
} from "./index";

const NASTY = [
  '<img src=x onerror="window.pwned=1">',
  "<script>window.pwned=1</script>",
  "javascript:window.pwned=1",
  '"><svg onload=window.pwned=1>',
  "{{constructor.constructor('window.pwned=1')()}}",
];

describe("foreign text", () => {
  it.each(NASTY)("%s stays text", (payload) => {
    const { container } = draw(
      <>
        <Foreign text={payload} />
        <KeyValue items={[["Path", payload]]} />
        <Evidence evidence={{ why: payload, rule: payload, excerpt: payload, field: payload, mark: [0, 4] }} />
      </>,
    );
    expect(container.querySelector("img,script,iframe,[onerror],[onload]")).toBeNull();
    expect(container.querySelector('a[href^="javascript"]')).toBeNull();
    expect(container.textContent).toContain(payload);
    expect((window as { pwned?: number }).pwned).toBeUndefined();
  });

  it("shows characters that cannot be seen", () => {
    render(<Foreign text={"a\u202eb\u0000"} />);
    expect(screen.getByText("⟨U+202E⟩")).toBeTruthy();
    expect(screen.getByText("␀")).toBeTruthy();
  });

  it("marks bytes, not characters", () => {
    const { container } = draw(<Evidence evidence={{ excerpt: "ä' OR 1=1--", mark: [2, 6] }} />);
    expect(container.querySelector("mark")?.textContent).toBe("' OR");
  });
});

describe("badges", () => {
  it("say in words what they say in colour, and nothing where nothing is known", () => {
    render(
      <>
        <LevelBadge level="CRITICAL" />
        <ActionBadge action="allow" would="deny" />
      </>,
    );
    expect(screen.getByText("Critical")).toBeTruthy();
    expect(screen.getByText("Would be denied")).toBeTruthy();
    const { container } = render(<LevelBadge level="" />);
    expect(container.textContent).toBe("");
  });
});

describe("table", () => {
  const rows = [
    { id: "a", name: "first", n: 2 },
    { id: "b", name: "second", n: 1 },
  ];
  const columns: Columns<(typeof rows)[number]> = [
    { accessorKey: "name", header: "Name", cell: ({ row }) => <Foreign text={row.original.name} /> },
    { accessorKey: "n", header: "Number", meta: { right: true } },
  ];

  it("opens a row by click, Enter and Space, and not by a link within", async () => {
    const onOpen = vi.fn();
    draw(<Table columns={columns} rows={rows} id={(row) => row.id} label="Things" onOpen={onOpen} />);
    const row = screen.getByText("second").closest("tr") as HTMLElement;
    fireEvent.click(row);
    row.focus();
    await userEvent.keyboard("{Enter} ");
    expect(onOpen).toHaveBeenCalledTimes(3);
    expect(onOpen).toHaveBeenLastCalledWith(rows[1]);
  });

  it("sorts, and says so", async () => {
    draw(<Table columns={columns} rows={rows} id={(row) => row.id} label="Things" sortable />);
    await userEvent.click(screen.getByRole("button", { name: "Name" }));
    expect(screen.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("ascending");
  });

  it("shows what stands for nothing", () => {
    draw(<Table columns={columns} rows={[]} id={(row) => row.id} label="Things" empty={<p>Nothing yet</p>} />);
    expect(screen.getByText("Nothing yet")).toBeTruthy();
  });
});

describe("forms and overlays", () => {
  it("a field names its control and says what is wrong with it", () => {
    render(
      <Field label="Seconds" error="must be a number">
        <Input />
      </Field>,
    );
    const input = screen.getByLabelText("Seconds");
    expect(input.getAttribute("aria-invalid")).toBe("true");
    const about = document.getElementById(input.getAttribute("aria-describedby") ?? "");
    expect(about?.textContent).toBe("must be a number");
  });

  it("a dialog closes by Escape, holds the page still meanwhile, and writes no style element", async () => {
    const onClose = vi.fn();
    const styles = document.querySelectorAll("style").length;
    const { rerender } = draw(<Dialog open onClose={onClose} title="Sure?" />);
    expect(screen.getByRole("dialog", { name: "Sure?" })).toBeTruthy();
    expect(document.body.dataset.locked).toBe("");
    expect(document.querySelectorAll("style").length).toBe(styles);
    await userEvent.keyboard("{Escape}");
    expect(onClose).toHaveBeenCalled();
    rerender(null);
    expect(document.body.dataset.locked).toBeUndefined();
  });

  it("tabs stand in the address", async () => {
    const tabs = ["One", "Two"].map((name) => ({ value: name, label: name, content: <p>{`inside ${name}`}</p> }));
    render(<Tabs label="Parts" url="tab" tabs={tabs} />);
    await userEvent.click(screen.getByRole("tab", { name: "Two" }));
    expect(screen.getByText("inside Two")).toBeTruthy();
    expect(window.location.search).toBe("?tab=Two");
  });
});

describe("filter bar", () => {
  const fields = [{ name: "action", label: "Action", options: [{ value: "deny", label: "Denied" }] }];
  const search = { name: "q", label: "Search" };

  it("writes into the address what is chosen, and takes it out again", async () => {
    draw(<FilterBar fields={fields} search={search} />);
    await userEvent.selectOptions(screen.getByLabelText("Action"), "deny");
    expect(window.location.search).toBe("?action=deny");
    await userEvent.type(screen.getByLabelText("Search"), "union select{Enter}");
    expect(new URLSearchParams(window.location.search).get("q")).toBe("union select");
    const active = screen.getByRole("list", { name: "Active filters" });
    await userEvent.click(within(active).getByRole("button", { name: /Action: Denied/ }));
    expect(window.location.search).toBe("?q=union+select");
    await userEvent.click(screen.getByRole("button", { name: "Clear all" }));
    expect(window.location.search).toBe("");
  });

  it("shows what a link says", () => {
    window.history.replaceState(null, "", "/logs?action=deny&q=%3Cscript%3E");
    draw(<FilterBar fields={fields} search={search} />);
    expect((screen.getByLabelText("Action") as HTMLSelectElement).value).toBe("deny");
    expect((screen.getByLabelText("Search") as HTMLInputElement).value).toBe("<script>");
  });
});

describe("loaded", () => {
  const query = { isPending: false, refetch: vi.fn() };
  it("shows the data even where the latest question failed", () => {
    draw(<Loaded query={{ ...query, data: "old", error: new Error("away") }}>{(data) => <p>{data}</p>}</Loaded>);
    expect(screen.getByText("old")).toBeTruthy();
  });
  it("says what went wrong and tries again", async () => {
    draw(<Loaded query={{ ...query, data: undefined, error: new Error("It is away.") }}>{() => null}</Loaded>);
    expect(screen.getByText("It is away.")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(query.refetch).toHaveBeenCalled();
  });
});
