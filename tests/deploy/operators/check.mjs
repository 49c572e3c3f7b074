// Reads manifests as a JSON array and writes an array of what the operators' schemas say against them.
// The packages' validators know types and required fields, their TypeScript interfaces also what fields there are.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const keda = "@kubernetes-models/keda/keda.sh/v1alpha1";
const prometheus = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
const modules = {
  ExternalSecret: "@kubernetes-models/external-secrets/external-secrets.io/v1",
  PodMonitor: prometheus,
  PrometheusRule: prometheus,
  ScaledObject: keda,
  ServiceMonitor: prometheus,
};

const manifests = JSON.parse(readFileSync(0, "utf8"));
const complaints = [];
const typed = [];
for (const manifest of manifests) {
  const { [manifest.kind]: known } = modules[manifest.kind] ? await import(modules[manifest.kind]) : {};
  if (known === undefined || known.apiVersion !== manifest.apiVersion) {
    complaints.push(`${manifest.apiVersion} ${manifest.kind} has no schema`);
    continue;
  }
  try {
    new known(manifest).validate();
  } catch (error) {
    complaints.push(`${manifest.kind} ${manifest.metadata.name}: ${error.message}`);
  }
  typed.push(`export const m${typed.length}: import("${modules[manifest.kind]}").I${manifest.kind} = ${JSON.stringify(manifest)};`);
}
writeFileSync("manifests.ts", typed.join("\n"));
const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--pretty", "false"];
const checked = spawnSync("node_modules/.bin/tsc", [...options, "manifests.ts"], { encoding: "utf8" });
if (checked.error) throw checked.error;
complaints.push(...checked.stdout.split("\n").filter((line) => line.startsWith("manifests.ts")));
process.stdout.write(JSON.stringify(complaints));
