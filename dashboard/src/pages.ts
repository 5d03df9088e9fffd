// The table of pages: what stands in the navigation, in this order. A page is one line here and one file in pages/,
// loaded when it is first opened. What has no page yet has no line.
import { Brain, ChartColumn, Gauge, type LucideIcon, Settings } from "lucide-react";
import type { ComponentType } from "react";
import type { Role } from "@/api/types";

export interface PageEntry {
  /** The first part of the path; a page draws everything below it itself. */
  path: string;
  title: string;
  icon: LucideIcon;
  /** The key after `g` that opens it. */
  key: string;
  load: () => Promise<{ default: ComponentType }>;
  /** The least role that may see it; everybody unless said. */
  role?: Role;
  /** Users of a tenant see it, too; they reach only what is scoped to them. */
  tenant?: boolean;
}

export const PAGES: readonly PageEntry[] = [
  {
    path: "/analytics",
    title: "Analytics",
    icon: ChartColumn,
    key: "n",
    load: () => import("./pages/analytics"),
    tenant: true,
  },
  { path: "/performance", title: "Performance", icon: Gauge, key: "p", load: () => import("./pages/performance") },
  { path: "/models", title: "Models", icon: Brain, key: "m", load: () => import("./pages/models") },
  {
    path: "/settings",
    title: "Settings",
    icon: Settings,
    key: "e",
    load: () => import("./pages/settings"),
    tenant: true,
  },
];
