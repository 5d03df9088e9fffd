// Import from here. Recharts comes along only with the charts of `time.tsx`, in a chunk that pages share.
export * from "./frame";
export * from "./small";
export * from "./time";
