#!/bin/bash
# A search on a Ray cluster inside one Slurm allocation: sbatch examples/distributed/slurm.sh
# A pattern to adapt; it has not been run on a Slurm cluster. Paths must be on a disk that all nodes see.
#SBATCH --job-name=shufflenas
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4
#SBATCH --time=12:00:00
#SBATCH --signal=INT@120
set -euo pipefail

PROJECT=${PROJECT:-$HOME/shufflenas}  # the checkout with its .venv
DATA=${DATA:-/shared/data}
OUTPUT=${OUTPUT:-/shared/runs/$SLURM_JOB_NAME}
PORT=6379
BIN=$PROJECT/.venv/bin
cd "$PROJECT"

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(srun --nodes=1 --ntasks=1 -w "$head" hostname --ip-address | awk '{print $1}'):$PORT
# Any free GPU memory or process of Ray's ends with the allocation; the study is on the shared disk.
srun --nodes=1 --ntasks=1 -w "$head" --overlap \
  "$BIN/ray" start --head --node-ip-address="${address%:*}" --port=$PORT --include-dashboard=false --block &
sleep 15
if [ "$SLURM_JOB_NUM_NODES" -gt 1 ]; then
  srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) --exclude="$head" --overlap \
    "$BIN/ray" start --address="$address" --block &
  sleep 15
fi

# The job that is submitted again after its time goes on where this one stopped.
srun --nodes=1 --ntasks=1 -w "$head" --overlap \
  "$BIN/python" run_search.py --config cifar10 --device cuda --data.root "$DATA" --output "$OUTPUT" \
  --search.engine ray --ray.address "$address" --ray.gpus_per_trial 0.5 --ray.cpus_per_trial 2
