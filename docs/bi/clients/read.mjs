// node read.mjs path/to/current/coverage.duckdb - the latest month of the nation, as JSON.
import { DuckDBInstance } from "@duckdb/node-api";

// A new instance for each read: it sees the version that is published then. Read-only: nothing is locked, nothing can be changed.
const instance = await DuckDBInstance.create(process.argv[2], { access_mode: "READ_ONLY" });
const connection = await instance.connect();
const answer = await connection.runAndReadAll(
  "SELECT month::VARCHAR AS month, insured_persons::BIGINT AS insured_persons, coverage_pct FROM marts.coverage_nation_month ORDER BY month DESC LIMIT 1",
);
console.log(JSON.stringify(answer.getRowObjectsJson()[0]));
connection.closeSync();
