// The table of pages: what stands in the navigation, in this order. A page is one line here and one file in pages/,
// loaded when it is first opened. What has no page yet has no line.
import {
  Bell,
  BookCheck,
  Brain,
  ChartColumn,
  Gauge,
  House,
  ListChecks,
  type LucideIcon,
  ScrollText,
  Settings,
  UsersRound,
} from "lucide-react";
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
    path: "/overview",
    title: "Overview",
    icon: House,
    key: "o",
    load: () => import("./pages/overview"),
    tenant: true,
  },
  { path: "/alerts", title: "Alerts", icon: Bell, key: "a", load: () => import("./pages/alerts"), tenant: true },
  { path: "/logs", title: "Logs", icon: ScrollText, key: "l", load: () => import("./pages/logs"), tenant: true },
  { path: "/subjects", title: "Subjects", icon: UsersRound, key: "s", load: () => import("./pages/subjects") },
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
  { path: "/rules", title: "Rules", icon: ListChecks, key: "r", load: () => import("./pages/rules") },
  { path: "/audit", title: "Audit", icon: BookCheck, key: "u", load: () => import("./pages/audit"), role: "admin" },
  {
    path: "/settings",
    title: "Settings",
    icon: Settings,
    key: "e",
    load: () => import("./pages/settings"),
    tenant: true,
  },
];
