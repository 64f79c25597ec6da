// The roles that may read what a patient adds, from the cross-reference.
exports = async function (patient) {
  const rows = context.services.get("mongodb-atlas").db("clinic").collection("patient-provider");
  return rows.distinct("role", { patient });
};
