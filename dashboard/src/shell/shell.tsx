// The frame around every page: navigation, top bar, and the place where the page is drawn.
import { BookOpen, CircleHelp, LogOut, Menu as MenuIcon, Monitor, Moon, Sun, User } from "lucide-react";
import { type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { useInfo } from "@/api/queries";
import { cx } from "@/lib/cx";
import { chooseTheme, type ThemeChoice, useTheme } from "@/lib/theme";
import type { PageEntry } from "@/pages";
import { Drawer, Menu, SkeletonRows } from "@/ui";
import { Boundary } from "./boundary";
import { ConnectionState, LostBanner } from "./connection";
import { Keys } from "./keys";
import { Logo } from "./logo";
import { useLogout, useMe } from "./session";
import { ThreatLevel } from "./threat";

/** Pages in the bar at the bottom of a phone; the rest is behind "More". */
const BOTTOM = 4;

const isAt = (location: string, path: string) => location === path || location.startsWith(`${path}/`);

export function Shell({ pages, children }: { pages: readonly PageEntry[]; children: ReactNode }) {
  const [location] = useLocation();
  const [more, setMore] = useState(false);
  const { tenant } = useMe();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu
  useEffect(() => setMore(false), [location]);
  return (
    <div className="grid h-dvh grid-cols-[auto_minmax(0,1fr)] grid-rows-[minmax(0,1fr)] max-md:grid-cols-1 max-md:grid-rows-[minmax(0,1fr)_auto]">
      <a
        href="#main"
        className="sr-only z-70 rounded-md bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the page
      </a>
      <aside className="flex w-52 flex-col border-r border-line bg-surface max-md:hidden">
        <Brand />
        <nav aria-label="Pages" className="flex-1 overflow-y-auto p-2">
          <NavList pages={pages} />
        </nav>
        {!tenant && <Version />}
      </aside>
      <div className="flex min-h-0 min-w-0 flex-col">
        <TopBar />
        <LostBanner />
        <main id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
          <Boundary key={location.split("/")[1] ?? ""}>
            <Suspense fallback={<SkeletonRows rows={8} />}>{children}</Suspense>
          </Boundary>
        </main>
      </div>
      {pages.length > 0 && (
        <nav
          aria-label="Pages"
          className="flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
        >
          {pages.slice(0, BOTTOM).map((page) => (
            <BottomLink key={page.path} page={page} />
          ))}
          {pages.length > BOTTOM && (
            <button
              type="button"
              className="flex h-14 min-w-0 flex-1 flex-col items-center justify-center gap-0.5 text-[11px] text-muted"
              aria-expanded={more}
              onClick={() => setMore(true)}
            >
              <MenuIcon className="size-5" aria-hidden />
              More
            </button>
          )}
        </nav>
      )}
      <Drawer open={more} onClose={() => setMore(false)} title="Pages" className="max-w-xs!">
        <nav aria-label="All pages">
          <NavList pages={pages} />
        </nav>
      </Drawer>
      <Keys pages={pages} />
    </div>
  );
}

function Brand() {
  return (
    <Link href="/" className="flex h-12 items-center gap-2.5 border-b border-line px-4 focus-visible:-outline-offset-2">
      <Logo className="size-6" />
      <span className="font-semibold tracking-tight">Portcullis</span>
    </Link>
  );
}

function NavList({ pages }: { pages: readonly PageEntry[] }) {
  const [location] = useLocation();
  return (
    <ul className="flex flex-col gap-0.5">
      {pages.map(({ path, title, icon: Icon }) => {
        const here = isAt(location, path);
        return (
          <li key={path}>
            <Link
              href={path}
              aria-current={here ? "page" : undefined}
              className={cx(
                "flex h-8 items-center gap-2.5 rounded-md px-2.5",
                here ? "bg-accent-soft font-medium text-accent" : "text-muted hover:bg-hover hover:text-text",
              )}
            >
              <Icon className="size-4 shrink-0" aria-hidden />
              {title}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function BottomLink({ page: { path, title, icon: Icon } }: { page: PageEntry }) {
  const [location] = useLocation();
  const here = isAt(location, path);
  return (
    <Link
      href={path}
      aria-current={here ? "page" : undefined}
      className={cx(
        "flex h-14 min-w-0 flex-1 flex-col items-center justify-center gap-0.5 text-[11px] focus-visible:-outline-offset-2",
        here ? "font-medium text-accent" : "text-muted",
      )}
    >
      <Icon className="size-5" aria-hidden />
      <span className="max-w-full truncate px-1">{title}</span>
    </Link>
  );
}

function Version() {
  const { data } = useInfo();
  return (
    <p className="border-t border-line px-4 py-2 text-xs text-faint">
      {data ? `${data.version} · ${data.rules} rules` : " "}
    </p>
  );
}

function TopBar() {
  return (
    <header className="flex h-12 shrink-0 items-center gap-2 border-b border-line bg-surface px-4">
      <Link href="/" className="md:hidden" aria-label="Start">
        <Logo className="size-6" />
      </Link>
      <ThreatLevel />
      <span className="flex-1" />
      <ConnectionState />
      <ThemeMenu />
      <UserMenu />
    </header>
  );
}

const THEMES: readonly { value: ThemeChoice; label: string; icon: typeof Sun }[] = [
  { value: "system", label: "Like the system", icon: Monitor },
  { value: "light", label: "Light", icon: Sun },
  { value: "dark", label: "Dark", icon: Moon },
];

function ThemeMenu() {
  const choice = useTheme();
  const Icon = THEMES.find(({ value }) => value === choice)?.icon ?? Monitor;
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label="Theme"
          title="Theme"
          className="inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-text"
        >
          <Icon className="size-4" aria-hidden />
        </button>
      }
      items={THEMES.map(({ value, label, icon }) => ({
        label,
        icon,
        checked: value === choice,
        onSelect: () => chooseTheme(value),
      }))}
    />
  );
}

function UserMenu() {
  const me = useMe();
  const logout = useLogout();
  const items = useMemo(
    () => [
      {
        label: "Keys",
        icon: CircleHelp,
        onSelect: () => setTimeout(() => window.dispatchEvent(new KeyboardEvent("keydown", { key: "?" })), 50),
      },
      {
        label: "API documentation",
        icon: BookOpen,
        onSelect: () => void window.open("/api/v1/docs", "_blank", "noopener"),
      },
      "line" as const,
      { label: "Log out", icon: LogOut, onSelect: () => void logout() },
    ],
    [logout],
  );
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={`Account of ${me.name}`}
          className="inline-flex h-8 items-center gap-1.5 rounded-md px-2 text-muted hover:bg-hover hover:text-text"
        >
          <User className="size-4" aria-hidden />
          <span className="max-w-32 truncate max-sm:hidden">{me.name}</span>
        </button>
      }
      heading={
        <>
          <span className="block font-medium text-text">{me.name}</span>
          {me.role}
          {me.tenant ? ` of ${me.tenant}` : ""}
        </>
      }
      items={items}
    />
  );
}
